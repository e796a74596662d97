#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rankscope::diagnose {

// The place of a file in rows of names that differ in one number alone, 0 to n-1: "out_0.txt", "out_1.txt"; or, in
// folders "0" and "1" with "0.log" and "1.log" in each, in two of them.
struct RowPlace {
  std::optional<int32_t> outer, inner;  // the only one is `inner`
};

// Of each path. Rotated files, attempts, steps and the like are no rows.
std::vector<RowPlace> FindRows(const std::vector<std::string>& paths);

}  // namespace rankscope::diagnose
