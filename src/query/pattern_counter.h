#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/budget.h"
#include "model/aggregation.h"
#include "model/record.h"

namespace rankscope::query {

// The line with its variables masked: <int>, <float>, <hex>, <uuid>, <path>; a word that mixes letters and digits is
// <*>. Only the first line of several, without colours.
std::string MaskVariables(std::string_view text);

// Counts the patterns of text records that come in the order of time.
class PatternCounter {
 public:
  explicit PatternCounter(base::Budget* budget) : budget_(budget) {}

  // Records without a text are passed over.
  void Take(const model::Record& record);
  // Most frequent first; equally frequent ones by job and text.
  std::vector<model::Pattern> Finish();

 private:
  struct Count {
    model::Pattern pattern;
    std::set<int32_t> ranks;
  };
  base::Budget* budget_;
  std::unordered_map<std::string, Count> counts_;  // by job and text
};

// The ranks as ranges.
model::NumberSet ToNumberSet(const std::set<int32_t>& ranks);

}  // namespace rankscope::query
