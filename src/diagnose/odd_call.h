#pragma once

#include <string>
#include <vector>

#include "diagnose/suspect.h"

namespace rankscope::diagnose {

// The ranks whose collective failed at another place of the program than that of the most, by their tracebacks: they
// issued something else. Empty: all at one place, or no majority. Of each rank its first failure counts.
struct OddCall {
  std::vector<int32_t> ranks;
  bool differ = false;  // they were at two places
  std::string why;
};
OddCall FindOddCall(const Reading& reading, const std::vector<Suspect>& suspects);

}  // namespace rankscope::diagnose
