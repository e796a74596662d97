#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "model/aggregation.h"
#include "model/filter.h"

namespace rankscope::query {

// A query as plain data: which records, and what then happens to them, step by step. docs/query.md is the grammar.

struct StatsPipe {
  model::Aggregation aggregation;
};
struct SortPipe {
  struct Key {
    std::string name;
    bool descending = false;
  };
  std::vector<Key> keys;
  uint64_t keep = 0;  // only the first so many are wanted; 0: all
};
struct LimitPipe {
  uint64_t count = 0;
};
struct FieldsPipe {
  std::vector<std::string> names;
};
struct PatternsPipe {};
struct ContextPipe {
  uint64_t lines = 0;
};
struct FirstPipe {
  uint64_t count = 1;
  std::vector<std::string> by;
};
struct JoinPipe {
  std::vector<std::string> metrics;
  int64_t within = 0;
  bool in_time = false;  // within ns, else steps
};
using Pipe = std::variant<StatsPipe, SortPipe, LimitPipe, FieldsPipe, PatternsPipe, ContextPipe, FirstPipe, JoinPipe>;

struct Query {
  std::string project = "default";
  model::Filter filter;
  std::vector<Pipe> pipes;
};

// kInvalid: "query, column N: expected …, found …"; columns count characters from 1. `now` is what _time:10m counts
// back from.
base::Result<Query> ParseQuery(std::string_view text, base::TimeNs now);

}  // namespace rankscope::query
