#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "diagnose/case/case.h"
#include "diagnose/reading/line_body.h"

namespace rankscope::diagnose {

// One Python traceback in a case's lines, Python's own or one drawn by rich.
struct Traceback {
  static constexpr size_t kNone = static_cast<size_t>(-1);

  size_t begin = 0;          // its first line
  size_t exception = kNone;  // the line that names the exception; kNone: cut off
  std::string frames;        // "FILE in FUNCTION" a line, as printed
  bool ignored = false;      // "Exception ignored in": Python went on
  bool uncaught = false;     // torch's hook of last resort has written it, each line behind "[rank3]: "
  bool of_program = false;   // it begins at a program's outermost frame: only there can it have been caught
  size_t caused_by = kNone;  // the traceback before it in its chain ("During handling of …", "… direct cause of …")
};

struct Tracebacks {
  std::vector<Traceback> all;      // by the line at which they begin
  std::vector<uint8_t> is_inside;  // by line: belongs to one, and is not the line that names its exception
};

// Lines of different writers in one file are kept apart where their prefixes tell them apart. `bodies` are those of the
// case's lines.
Tracebacks FindTracebacks(const Case& read, const std::vector<LineBody>& bodies);

}  // namespace rankscope::diagnose
