#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulation/random.h"

namespace rankscope::simulation {

struct LogText {
  std::string name, text;
};

// A job of 8 to 1,024 ranks that one rank ends, as its logs lie about: what that rank says, if anything, and what the
// others and the launchers of the nodes say of it in their order and delay, by clocks of nodes up to 2 s apart.
struct Cascade {
  std::string kind;
  int32_t ranks = 0, culprit = 0;
  std::vector<LogText> files;
};
Cascade MakeCascade(Random* random, int32_t ranks = 0);  // 0: of any size

}  // namespace rankscope::simulation
