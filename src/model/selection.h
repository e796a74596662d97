#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "model/record.h"

namespace rankscope::model {

// A set of ranks or node ranks: "0-7,371,!3". Empty means all.
struct NumberSet {
  struct Range {
    int32_t first, last;
    bool excluded;
  };
  std::vector<Range> ranges;

  static base::Result<NumberSet> Parse(std::string_view text);
  bool empty() const { return ranges.empty(); }
  // A record without the number is in no non-empty set.
  bool Contains(const std::optional<int32_t>& number) const;
};

// Which records: all conditions must hold.
struct Selection {
  std::string project = "default";
  std::string job;  // "" = every job of the project
  NumberSet ranks, node_ranks;
  std::vector<Stream> streams;     // empty = all
  std::vector<std::string> hosts;  // empty = all
  base::TimeNs since = INT64_MIN;  // inclusive
  base::TimeNs until = INT64_MAX;  // exclusive
};
bool Matches(const Selection& selection, const Record& record);

}  // namespace rankscope::model
