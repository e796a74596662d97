#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rankscope::store {

// A column of integers in the smallest of: one constant; frames of 128 values, each with its minimum and packed to the
// bits of its range; bytes that index a table of at most 256 values, under zstd. The last two of the values themselves
// or of their differences. Grammar: docs/design/segment.md.
void EncodeIntegers(const std::vector<int64_t>& values, std::string* out);

// False when the bytes are not `count` integers. Reads all of `bytes`.
bool DecodeIntegers(std::string_view bytes, size_t count, std::vector<int64_t>* values);

}  // namespace rankscope::store
