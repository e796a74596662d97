#pragma once

#include <string_view>

#include "base/clock.h"

namespace rankscope::model {

// An event `action` of a job (docs/actions.md), as far as it may speak of a pause: the one reading of which words begin
// and end one, for whoever follows them. Pure; the texts are somebody else's.
struct PauseEvent {
  std::string_view action, action_id, outcome;  // the event's fields of these names; empty: it has none
  bool of_rank = false;                         // a rank's own word; else the server's
  base::TimeNs time = 0;
};

// Whether all ranks wait from here on.
bool BeginsPause(const PauseEvent& event);
// Whether this one, which is on since then, is over with it. What a rank said of a pause before may come late.
bool EndsPause(const PauseEvent& event, std::string_view action_id, base::TimeNs since);

}  // namespace rankscope::model
