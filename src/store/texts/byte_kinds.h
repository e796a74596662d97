#pragma once

#include <cstddef>
#include <cstdint>

namespace rankscope::store {

// What 32 bytes are, a bit each.
constexpr size_t kKindsWindow = 32;
struct ByteKinds {
  uint32_t digits = 0, lowers = 0, uppers = 0;  // of ASCII
  uint32_t hex_lowers = 0, hex_uppers = 0;      // of the latter two, those up to f and F
};

// REQUIRES kKindsWindow readable bytes.
ByteKinds KindsOf(const char* bytes);

}  // namespace rankscope::store
