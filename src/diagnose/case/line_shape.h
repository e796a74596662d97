#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rankscope::diagnose {

// What a line is without its numbers. Both hashes keep places: a number of another length is another shape.
struct LineShape {
  // Without the numbers that change from line to line: of three and more digits, and those that . , : - / join with
  // another (times, dates, fractions). Small whole numbers stay: "exit code 0" and "exit code 1" are not the same.
  uint64_t exact = 0;
  uint32_t kind = 0;  // without any digit
};

constexpr size_t kMostShapeBytes = 4096;

// REQUIRES at most kMostShapeBytes.
LineShape ShapeOf(std::string_view line);

// Whether "nan" or "inf" stands in the line as a word by itself, in either case.
bool HasNonFinite(std::string_view line);

}  // namespace rankscope::diagnose
