#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// The ranks whose collective failed at another place of the program than that of the most, by their tracebacks: they
// issued something else. Of a broadcast that all who are elsewhere have behind them, gloo's tree tells who left it out
// (`gloo_tree.h`), or nobody can; of a small reduction to one rank its way does. Where no place is that of
// most, as of two ranks, those that had come further in the program: they left out what the others wait in. Empty: all
// at one place, or neither tells, as of two ranks which of them it was. Of each rank its first failure counts. `known`:
// all ranks of the job.
struct OddCall {
  std::vector<int32_t> ranks;
  std::vector<int32_t> either;  // of two, one of which it is; empty: it is known, or may be another
  bool differ = false;          // they were at two places
  std::string why;
};
OddCall FindOddCall(const Reading& reading, const std::vector<Suspect>& suspects, const std::set<int32_t>& known);

// Whether processes of which no line tells the rank waited in different calls until one of them timed out.
bool AreUnnamedAtOtherCalls(const Reading& reading, const std::vector<Suspect>& suspects);

}  // namespace rankscope::diagnose
