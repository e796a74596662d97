#pragma once

#include <string>
#include <string_view>

#include "model/record.h"

namespace rankscope::model {

// A record of stream `event`: what happened to a rank, a node or the collection itself. `name` is its field "event",
// by which programs know it; `text` is for people. Origin, level and further fields are for the caller to fill in.
Record MakeEvent(std::string_view name, base::TimeNs time, std::string text);

// Events that speak about a job and its ranks, whoever writes them and whenever: detector_rule and detector_finding of
// its detectors; finding, finding_confirmed, finding_dismissed, incident, diagnosis and detector_rule_refused of the
// server; action, of what was done about it. They are no word of the rank and no sign of its life.
bool IsJudgement(std::string_view event_name);

}  // namespace rankscope::model
