#pragma once

#include <cstddef>

namespace rankscope::query {

constexpr size_t kMostDoubleBytes = 32;

// Writes the very bytes that std::to_chars gives for the finite value, and gives where they end. REQUIRES room for
// kMostDoubleBytes. Numbers with decimals from 0.1 up to 10^15, which is what tables are full of, take less time.
char* WriteDouble(double value, char* at);

}  // namespace rankscope::query
