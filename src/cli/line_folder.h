#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace rankscope::cli {

// A line that several ranks said: the record of the first, and who they are.
struct FoldedLine {
  std::string json;
  std::set<int32_t> ranks, nodes;  // ranks empty: the record says who
};

// "0-2,5"
std::string FormatSet(const std::set<int32_t>& numbers);

// Makes one line of what several ranks say alike (the same text and level) within kWindow of the first. Lines that
// differ keep their order. A rank that repeats itself, a line without a rank, and what is no record are never folded.
//
// Of history (times are the records') the line comes once, with all its ranks. Live (times are arrivals) the first
// rank's line is shown at once, and the others' follow as one when the window closes.
class LineFolder {
 public:
  static constexpr int64_t kWindow = 2 * base::kNsPerSecond;
  using Show = std::function<bool(const FoldedLine&)>;  // false: nobody reads any more

  LineFolder(bool live, Show show) : live_(live), show_(std::move(show)) {}

  // Each returns false once `show` has.
  bool Take(std::string_view json);
  bool CloseUntil(base::TimeNs now);  // live: MonotonicNow
  bool Finish() { return CloseUntil(INT64_MAX); }

 private:
  struct Fold {
    std::string key;  // what must be alike
    base::TimeNs closes = 0;
    FoldedLine line;         // of those not shown yet
    std::set<int32_t> said;  // by whom so far, the one shown at once too
  };
  bool JoinOpen(const std::string& key, int32_t rank, int32_t node, std::string_view json);

  const bool live_;
  const Show show_;
  std::deque<Fold> open_;
};

}  // namespace rankscope::cli
