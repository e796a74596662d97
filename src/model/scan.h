#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/filter.h"

namespace rankscope::model {

// What to read of one project.
struct Scan {
  std::string project = "default";
  Filter filter;
  bool newest_first = false;
  uint64_t limit = 0;  // 0: no limit
  // Keys (of the JSON form) that the reader looks at; the others may be left out of each record. Empty: all.
  std::vector<std::string> fields;
};

}  // namespace rankscope::model
