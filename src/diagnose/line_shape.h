#pragma once

#include <cstdint>
#include <string_view>

namespace rankscope::diagnose {

// A hash of what the line is without its numbers, for lines whose numbers have as many digits: lines of one kind have
// few shapes, and a kind that never came before has a new one. Of its first 256 bytes.
uint32_t ShapeOf(std::string_view line);

// Whether "nan" or "inf" stands in the line as a word by itself, in either case.
bool HasNonFinite(std::string_view line);

}  // namespace rankscope::diagnose
