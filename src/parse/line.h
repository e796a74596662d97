#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/clock.h"

namespace rankscope::parse {

// Bytes of a channel, by how many came before.
struct Span {
  uint64_t begin = 0, end = 0;
  bool operator==(const Span&) const = default;
};

// One line (or one traceback with its lines) as it was printed.
struct Line {
  base::TimeNs time = 0;  // when the first byte was read of what is shown
  std::string text;       // without the newline, ANSI kept
  bool partial = false;   // cut by Flush or by the size limit, no newline was seen
  uint32_t part = 0;      // 1, 2, …: its last line is a part of one that the size limit has cut; 0: it is whole
  uint32_t parts = 0;     // of the last part: how many there are
  uint64_t at = 0;        // where in the channel it begins
};

using EmitLine = std::function<void(Line)>;

}  // namespace rankscope::parse
