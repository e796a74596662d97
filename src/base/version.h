#pragma once

namespace rankscope::base {

// Of this program, as CMakeLists.txt has it: "0.1.0".
extern const char kVersion[];

}  // namespace rankscope::base
