#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "model/record.h"

namespace rankscope::query {

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
  std::vector<model::Stream> streams;  // empty = all
  std::vector<std::string> hosts;      // empty = all
  base::TimeNs since = INT64_MIN;      // inclusive
  base::TimeNs until = INT64_MAX;      // exclusive
};
bool Matches(const Selection& selection, const model::Record& record);

// Where queries read from: the embedded store, later Elasticsearch or Loki.
class LogSource {
 public:
  virtual ~LogSource() = default;

  // Calls `take` for each selected record, ordered by (time, arrival); per producer the order is that of seq.
  // `newest_first` gives the reverse. Stops when take returns false. Memory is bounded, not by the result's size.
  virtual base::Status Scan(const Selection& selection, bool newest_first,
                            const std::function<bool(const model::Record&)>& take) = 0;

  // Live: calls `take` with each batch as it is appended, on the appending thread: it must be quick and not call back.
  // Returns a token for Unsubscribe, after which `take` is never called again.
  virtual uint64_t Subscribe(std::function<void(const std::vector<model::Record>&)> take) = 0;
  virtual void Unsubscribe(uint64_t token) = 0;
};

}  // namespace rankscope::query
