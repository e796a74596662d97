#pragma once

#include <string>
#include <vector>

#include "diagnose/slowness/topology.h"
#include "simulation/random.h"

namespace rankscope::simulation {

// A job of so many ranks (SizeOf) that a congested part of its network slows: the ranks behind it first, most of them,
// and then the others, who wait for them.
struct SlowJob {
  diagnose::Topology topology;
  diagnose::Element congested;       // the truth
  std::vector<std::string> records;  // in their JSON form, in the order of time
};
SlowJob MakeSlowJob(int32_t ranks, Random* random);

}  // namespace rankscope::simulation
