#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/budget.h"
#include "model/aggregation.h"
#include "model/record.h"
#include "store/scan/row_source.h"

namespace rankscope::store {

// Counts the patterns of text records, in whatever order they come. One thread.
class PatternCounter {
 public:
  explicit PatternCounter(base::Budget* budget) : budget_(budget) {}

  // Where a line lies that is not read yet.
  struct Place {
    size_t piece;
    uint32_t row;
  };
  // Lines of one pattern.
  struct Group {
    uint64_t count = 0;
    RowKey first;
    base::TimeNs last = INT64_MIN;
    std::set<int32_t> ranks;
  };

  // What was counted of one pattern of one job. It stays where it is until Finish.
  struct Count {
    model::Pattern pattern;  // its job, text and example
    Group group;
    Place place{};
    bool unread = false;  // the example, at `place`
  };

  // Records without a text are passed over.
  void Take(const model::Record& record);
  Count* Of(const std::string& job, const std::string& pattern);
  // `place` of the first one. Of two firsts with one key, what was taken earlier is the first.
  static void Take(const Group& group, Place place, Count* count);

  // Most frequent first; equally frequent ones by job and text. `read` gives the text at a place.
  std::vector<model::Pattern> Finish(const std::function<std::string(Place)>& read = {});

 private:
  base::Budget* budget_;
  std::unordered_map<std::string, Count> counts_;  // by job and text
};

}  // namespace rankscope::store
