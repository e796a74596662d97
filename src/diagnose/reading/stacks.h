#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "diagnose/reading/reading.h"

namespace rankscope::diagnose {

// Where the main thread of a rank stood when it was dumped.
struct RankStack {
  struct Frame {
    std::string file, function;
    int64_t line_number = 0;
  };
  std::vector<Frame> frames;  // innermost first
  size_t line = 0;            // of the innermost frame
};

// By rank, each rank's last dump: faulthandler's ("Thread 0x… (most recent call first):"), as records of stream `stack`
// and logs have it, and py-spy's. Of a faulthandler dump the main thread is the last.
std::map<int32_t, RankStack> FindStacks(const Reading& reading);

// Whether a frame's file, or one of several frames, is where ranks wait for each other: in a collective, in the
// backward pass, which has some, or for the device.
bool IsWhereRanksWait(std::string_view frames);

// The ranks that stand elsewhere than the most: in the user's own code, else in the libraries below it. Of two, the one
// that does not wait where ranks wait for each other.
struct OddStacks {
  std::vector<int32_t> ranks;  // ascending; empty: all stand alike, or there is no majority
  std::string why;
  size_t line = 0;  // where the first of them stands
};
OddStacks FindOddStacks(const Reading& reading);

}  // namespace rankscope::diagnose
