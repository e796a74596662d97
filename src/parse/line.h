#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/clock.h"

namespace rankscope::parse {

// One line (or one traceback with its lines) as it was printed.
struct Line {
  base::TimeNs time = 0;  // when the first byte was read of what is shown
  std::string text;       // without the newline, ANSI kept
  bool partial = false;   // cut by Flush or by the size limit, no newline was seen
  uint32_t part = 0;      // 1, 2, …: its last line is a part of one that the size limit has cut; 0: it is whole
  uint32_t parts = 0;     // of the last part: how many there are
};

using EmitLine = std::function<void(Line)>;

}  // namespace rankscope::parse
