#include "model/selection.h"

#include <algorithm>
#include <charconv>

namespace rankscope::model {
namespace {

bool ParseInt(std::string_view text, int32_t* value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size() && *value >= 0;
}

}  // namespace

base::Result<NumberSet> NumberSet::Parse(std::string_view text) {
  NumberSet set;
  // As filters of the query language may write it.
  if (text.starts_with("in(") && text.ends_with(')')) text = text.substr(3, text.size() - 4);
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find(',', begin), text.size());
    std::string_view part = text.substr(begin, end - begin);
    Range range{0, 0, !part.empty() && part.front() == '!'};
    std::string_view numbers = part.substr(range.excluded ? 1 : 0);
    size_t dash = numbers.find('-');
    bool ok = ParseInt(numbers.substr(0, dash), &range.first);
    range.last = range.first;
    if (dash != std::string_view::npos) ok = ok && ParseInt(numbers.substr(dash + 1), &range.last);
    if (!ok || range.last < range.first) {
      return base::Status::Invalid("\"" + std::string(part) + "\" is no rank or range: write sets as 0-7,371,!3");
    }
    set.ranges.push_back(range);
    begin = end + 1;
  }
  return set;
}

bool NumberSet::Contains(const std::optional<int32_t>& number) const {
  if (ranges.empty()) return true;
  if (!number) return false;
  // A set of exclusions alone means all others.
  bool inside = std::all_of(ranges.begin(), ranges.end(), [](const Range& range) { return range.excluded; });
  for (const Range& range : ranges) {
    if (*number < range.first || *number > range.last) continue;
    if (range.excluded) return false;
    inside = true;
  }
  return inside;
}

bool Matches(const Selection& selection, const Record& record) {
  const Origin& origin = record.origin;
  auto among = [](const auto& list, const auto& value) {
    return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
  };
  return record.time >= selection.since && record.time < selection.until && origin.project == selection.project &&
         (selection.job.empty() || origin.job == selection.job) && selection.ranks.Contains(origin.rank) &&
         selection.node_ranks.Contains(origin.node_rank) && among(selection.streams, record.stream) &&
         among(selection.hosts, origin.host);
}

}  // namespace rankscope::model
