#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace rankscope::model {

// What a rule or a person wants done about a running job, as they write it: "NAME" or "NAME ARGUMENT". docs/actions.md
struct Action {
  // notify_only | mark | pause_job | resume_job | stop_job | dump_stacks | webhook CHANNEL |
  // set_log_interval_steps N | set_level LEVEL
  std::string name = "notify_only", argument;

  std::string Text() const { return argument.empty() ? name : name + " " + argument; }
};

// Of set_log_interval_steps, and wherever else a job is given that option; the least is 1.
constexpr uint32_t kMostLogIntervalSteps = 1'000'000;

// Nobody may have a job held for longer.
constexpr int64_t kLongestHoldS = 7 * 86400;

// kInvalid: it is none of these, or its argument is not one; says what is wanted.
base::Result<Action> ParseAction(const std::string& text);

}  // namespace rankscope::model
