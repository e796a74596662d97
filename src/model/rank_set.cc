#include "model/rank_set.h"

#include <iterator>

namespace rankscope::model {

std::string RankSet(const std::set<int32_t>& ranks) {
  std::string text;
  for (auto first = ranks.begin(); first != ranks.end();) {
    auto last = first;
    for (auto next = std::next(last); next != ranks.end() && *next == *last + 1; ++next) last = next;
    text += (text.empty() ? "" : ", ") + std::to_string(*first);
    if (last != first) text += "-" + std::to_string(*last);
    first = std::next(last);
  }
  return text;
}

}  // namespace rankscope::model
