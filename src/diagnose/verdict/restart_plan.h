#pragma once

#include <string>
#include <vector>

#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// From which checkpoint to go on, what is lost, what to leave out: a sentence each. Only checkpoints that the log says
// were written before the failure.
std::vector<std::string> PlanRestart(const Reading& reading, const Suspect& cause,
                                     const std::vector<int32_t>& culprits);

// The last step that the ranks reported before the line, of that rank where one is given. One more step that it reports
// behind the line is counted: what a rank printed last and what tells of its end come by different pipes. Not behind a
// report, which is of the same stream.
std::optional<int64_t> StepBefore(const Reading& reading, size_t line, std::optional<int32_t> rank);

}  // namespace rankscope::diagnose
