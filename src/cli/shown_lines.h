#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"

namespace rankscope::cli {

// What a reader that follows has shown, so that it can go on with another reading: nothing twice, nothing left out.
// The last `remembered` lines are known; of older ones only how far they reached.
class ShownLines {
 public:
  static constexpr size_t kRemembered = 200'000;

  // `history`: the first so many lines may leave out earlier ones, which are not wanted later either. `begun`: a time
  // before which nothing is wanted where the history is none.
  ShownLines(uint64_t history, base::TimeNs begun, size_t remembered = kRemembered)
      : history_(history), remembered_(remembered), from_(begun) {}

  // A record's JSON that is shown at `now`. What has no time, as a tail's words about itself, is not remembered.
  void Note(std::string_view json, base::TimeNs now);

  // The filter of what another reading has to hold, as a term of the query language with a blank before it; empty: all.
  std::string Wanted() const;

  // Another reading begins: each line that is remembered is passed over as often as it was shown.
  void BeginAgain();
  bool IsNew(std::string_view json);

 private:
  struct Line {
    size_t hash;
    base::TimeNs reached;
  };

  const uint64_t history_;
  const size_t remembered_;
  uint64_t shown_ = 0;
  base::TimeNs from_;
  std::deque<Line> lines_;
  std::unordered_map<size_t, size_t> to_pass_;  // in the reading that goes on, by hash
};

}  // namespace rankscope::cli
