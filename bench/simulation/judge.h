#pragma once

#include <optional>
#include <string>
#include <vector>

#include "simulation/job_run.h"

namespace rankscope::simulation {

// One job, rule and contiguous period, at WARNING or CRITICAL.
struct Alarm {
  std::string rule, message;
  int64_t step = 0;    // the ordinal of the one that was being made
  bool right = false;  // the fault explains it
};

// How the rules did in one run.
struct Judgement {
  std::vector<Alarm> alarms;
  bool found = false;               // one of the fault's rules has told
  bool in_time = false;             // within 3 steps of its own window
  std::optional<bool> right_whom;   // the first that told names the rank or node; nothing: there is none to name
  std::optional<bool> right_cause;  // its likeliest cause is the fault's; nothing: there is none
  int64_t delay = 0;                // steps, from where the fault is visible
};

Judgement Judge(const JobRun& run, const Plan& plan, const std::optional<Fault>& fault);

}  // namespace rankscope::simulation
