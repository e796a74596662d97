#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "model/selection.h"

namespace rankscope::model {

struct Time {
  base::TimeNs ns;
  auto operator<=>(const Time&) const = default;
};

// Values around a moment: (step, value) or (ns since the epoch, value).
using Points = std::vector<std::pair<int64_t, double>>;

// A value in a table. monostate: there is none.
using Cell = std::variant<std::monostate, int64_t, double, std::string, Time, Points>;

// By what records are grouped. A record without the value forms the group of those without it.
struct GroupKey {
  enum class Kind : uint8_t { kField, kTime, kStep };
  Kind kind = Kind::kField;
  std::string name;    // kField: a key of the JSON form. Equal numbers are one group; a text is never a number's.
  int64_t width = 1;   // of a bucket, in ns or steps; the group's value is the bucket's start, a multiple of width
  std::string column;  // its name in the table

  bool operator==(const GroupKey&) const = default;
};

struct Aggregate {
  enum class Function : uint8_t {
    kCount,          // records; with a field, those that have it
    kCountDistinct,  // values, as groups tell them apart
    kSum,            // of numbers; exact int64 while all are integers and it fits, else double. None: no value
    kAvg,            // double. sum and avg with a NaN are NaN
    kMin,            // numbers alone count; NaN only where there is nothing else. `timestamp` gives a Time
    kMax,
    kQuantile,   // of numbers but NaN, linear between neighbours (numpy's default); argument from 0 to 1
    kNonfinite,  // how many values are NaN or infinite
    kFirst,      // value of the first record, by (time, arrival), that has the field
    kLast,
  };
  Function function = Function::kCount;
  std::string field;  // a key of the JSON form; empty: count() of records
  double argument = 0;
  std::string column;  // its name in the table

  bool operator==(const Aggregate&) const = default;
};

struct Aggregation {
  std::vector<GroupKey> groups;
  std::vector<Aggregate> aggregates;
};

// The columns of an aggregation's table: its groups, then its aggregates. Rows are sorted by the groups: no value,
// numbers and times, texts. Without groups there is exactly one.
inline std::vector<std::string> ColumnsOf(const Aggregation& aggregation) {
  std::vector<std::string> columns;
  for (const GroupKey& group : aggregation.groups) columns.push_back(group.column);
  for (const Aggregate& aggregate : aggregation.aggregates) columns.push_back(aggregate.column);
  return columns;
}

// Takes the cells of one row after the other, one a column; they are gone when it returns. False: no more are wanted.
using TakeCells = std::function<bool(const std::vector<Cell>& cells)>;

// Lines that differ only in their variables.
struct Pattern {
  std::string job;
  std::string text;  // with <int>, <float>, <hex>, <uuid>, <path>, <*> for what varies
  uint64_t count = 0;
  NumberSet ranks;  // those that said it, ascending; empty: none is known
  base::TimeNs first_seen = 0, last_seen = 0;
  std::string example;  // the first such line
};

}  // namespace rankscope::model
