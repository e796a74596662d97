#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "diagnose/reading/reading.h"

namespace rankscope::diagnose {

// `File "/app/train.py", line 9, in main`, of no library: the user's own code.
bool IsOwnFrame(std::string_view text);

// Where the user's own code stood when the exception of a traceback was raised.
struct OwnFrame {
  size_t line = 0;    // of the frame
  std::string place;  // "/app/train.py:9 in main: loss.backward()"
};
// The innermost of the traceback that ends with `exception`; nothing: all is of libraries, or drawn by rich.
std::optional<OwnFrame> InnermostOwnFrame(const Reading& reading, size_t exception);

}  // namespace rankscope::diagnose
