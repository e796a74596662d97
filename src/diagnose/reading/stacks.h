#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "diagnose/reading/reading.h"

namespace rankscope::diagnose {

// Where a rank stood when it was dumped: its main thread, or the one in which it died.
struct RankStack {
  struct Frame {
    std::string file, function;
    int64_t line_number = 0;
  };
  std::vector<Frame> frames;  // innermost first
  size_t line = 0;            // of the innermost frame
  size_t own_line = 0;        // of the innermost that is no library's; else as `line`
};

// By rank, each rank's last dump: faulthandler's ("Thread 0x… (most recent call first):"), as records of stream `stack`
// and logs have it, and py-spy's. Of a faulthandler dump its current thread, else the main one, which is the last.
std::map<int32_t, RankStack> FindStacks(const Reading& reading);

// The innermost frame, and where the user's code called it: "wait (threading.py:320) from load (data.py:12)".
std::string PlaceOf(const RankStack& stack);

// Where the thread that counts stands in the dump that begins with this line, the head of its first thread.
size_t InnermostFrame(const Reading& reading, size_t head);

// Whether a frame's file, or one of several frames, is where ranks wait for each other: in a collective, in the
// backward pass, which has some, or for the device.
bool IsWhereRanksWait(std::string_view frames);

// The ranks that stand elsewhere than the most: in the user's own code, else in the libraries below it. Of two, the one
// that does not wait where ranks wait for each other.
struct OddStacks {
  std::vector<int32_t> ranks;  // ascending; empty: all stand alike, or there is no majority
  std::string why;
  size_t line = 0;           // where the first of them stands
  bool collectives = false;  // all stand in a collective, or in the backward pass, which has some: not in the same ones
  std::vector<size_t> lines;  // that tell it: where its own code stands, and where that of one of the others
};
OddStacks FindOddStacks(const Reading& reading);
// Likewise of the processes, of unknown ranks, that py-spy has dumped into one file; `ranks` are their numbers.
OddStacks FindOddProcesses(const Reading& reading);

}  // namespace rankscope::diagnose
