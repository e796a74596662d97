#pragma once

#include <vector>

#include "model/scan.h"
#include "query/query.h"

namespace rankscope::query {

// How a query is answered: what the source does, and the pipes that are left to do here.
struct Plan {
  enum class Source : uint8_t { kNothing, kRecords, kTable, kPatterns };
  Source source = Source::kRecords;
  model::Scan scan;
  model::Aggregation aggregation;  // for kTable
  std::vector<Pipe> pipes;
};

// Gives the source whatever it can do itself: filter, order by time, limit, fields, aggregation, patterns.
Plan MakePlan(const Query& query);

}  // namespace rankscope::query
