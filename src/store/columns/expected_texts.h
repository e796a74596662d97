#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

namespace rankscope::store {

// Texts of one rank lie in batches far from each other, between those of others, and no processor guesses where. While
// the text at `at` is looked at, one that comes soon is loaded from memory.
inline void ExpectAfter(size_t at, const std::vector<std::string_view>& texts) {
  constexpr size_t kAhead = 8, kCacheLine = 64, kMostBytes = 512;
  if (at + kAhead >= texts.size()) return;
  std::string_view text = texts[at + kAhead];
  for (size_t i = 0; i < std::min(text.size(), kMostBytes); i += kCacheLine) __builtin_prefetch(text.data() + i);
}

}  // namespace rankscope::store
