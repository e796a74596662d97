#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/budget.h"
#include "base/status.h"
#include "model/scan.h"
#include "query/log_source.h"

namespace rankscope::query {

// What the records have under one key.
struct FieldSummary {
  std::string name;
  uint64_t count = 0, numbers = 0;                    // records that have it; of them with a number
  std::optional<double> min, max;                     // of its numbers
  uint64_t distinct = 0;                              // values, up to kMostDistinct
  std::vector<std::pair<std::string, uint64_t>> top;  // the most frequent ones as JSON, at most 10
};

struct FieldList {
  uint64_t records = 0;  // looked at: the newest ones
  std::vector<FieldSummary> fields;
};

constexpr uint64_t kMostDistinct = 1000;

// The fields of the newest `sample` records of the scan, most frequent first.
base::Result<FieldList> ListFields(LogSource* source, model::Scan scan, uint64_t sample, base::Budget* budget);

}  // namespace rankscope::query
