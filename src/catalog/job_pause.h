#pragma once

#include <optional>

#include "catalog/catalog.h"

namespace rankscope::catalog {

// Follows the `action` events of a job, in the order of arrival: *pause is what they leave of it. Pure. What they
// say is model/pause_event.h's to know.
void FollowPause(const model::Record& action, std::optional<Pause>* pause);
// Whether a paused job may be as silent as it is: nobody makes a step.
bool MayBeSilent(const Pause& pause, base::TimeNs now);

// The form kept in the database, and back.
std::string ToJson(const Pause& pause);
std::optional<Pause> PauseFromJson(const std::string& text);

}  // namespace rankscope::catalog
