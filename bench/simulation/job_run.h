#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "detect/engine.h"
#include "simulation/fault.h"

namespace rankscope::simulation {

// What became of one run.
struct JobRun {
  std::vector<detect::Finding> findings;
  std::vector<base::TimeNs> step_ends;  // by ordinal: when the first step of the run ended, the second, …
  base::TimeNs begin = 0, end = 0;
  int64_t points = 0;  // metric points that the engine took
};

// Makes the run step by step, with the fault or without one, and hands its records to an Engine with the rules as they
// would arrive. The same plan, fault and random numbers make the same findings.
JobRun RunJob(const Plan& plan, const std::optional<Fault>& fault, Random random,
              const std::shared_ptr<const detect::RuleSet>& rules);

}  // namespace rankscope::simulation
