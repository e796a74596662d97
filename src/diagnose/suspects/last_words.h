#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "diagnose/reading/reading.h"

namespace rankscope::diagnose {

// The only one of `silent` whose log ends before something that each of the other `known` ranks went on to print: it
// ended first. Numbers in a line do not count, but for those of steps.
struct EndedBefore {
  std::optional<int32_t> rank;
  std::string line;  // what all others printed
};
EndedBefore FindEndedBefore(const Reading& reading, const std::set<int32_t>& silent, const std::set<int32_t>& known);

// The last line of the only one of `silent` that ends with a sentence that no rank of `known` had said: what it ended
// itself with, as by sys.exit("..."). Rank 0 has words of its own as it speaks for all.
std::optional<size_t> FindPartingWord(const Reading& reading, const std::set<int32_t>& silent,
                                      const std::set<int32_t>& known);

}  // namespace rankscope::diagnose
