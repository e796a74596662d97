#pragma once

#include <cstdint>
#include <string>

namespace rankscope::base {

// "1 file", "2 files".
inline std::string Counted(uint64_t count, const char* noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace rankscope::base
