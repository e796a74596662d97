#include "notify/time_interval_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace rankscope::notify {
namespace {

using Range = TimeInterval::Range;
using Names = std::vector<std::string_view>;

const Names kWeekdays = {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};
const Names kMonths = {"january", "february", "march",     "april",   "may",      "june",
                       "july",    "august",   "september", "october", "november", "december"};

// A number of one kind: its bounds, and the names that stand for the numbers from `least` on.
struct Unit {
  std::string_view what;
  int least = 0, most = 0;
  const Names* names = nullptr;
};

std::optional<int> NumberOf(std::string_view text, const Unit& unit) {
  if (unit.names) {
    auto found = std::find(unit.names->begin(), unit.names->end(), text);
    if (found != unit.names->end()) return unit.least + static_cast<int>(found - unit.names->begin());
  }
  int number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && number >= unit.least && number <= unit.most ? std::optional(number) : std::nullopt;
}

// Days that are counted from both ends of the month cannot be compared; there is no day 0.
bool Ordered(int first, int last, const Unit& unit) {
  if (unit.least >= 0) return first <= last;
  return first != 0 && last != 0 && ((first > 0) != (last > 0) || first <= last);
}

// "HH:MM" in minutes; 24:00 is the day's end.
std::optional<int> MinuteOf(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  auto hour = NumberOf(text.substr(0, 2), {"", 0, 24}), minute = NumberOf(text.substr(3), {"", 0, 59});
  if (!hour || !minute || *hour * 60 + *minute > 1440) return std::nullopt;
  return *hour * 60 + *minute;
}

base::Status ReadRanges(const base::YamlReader& reader, const YAML::Node& node, const Unit& unit,
                        std::vector<Range>* ranges) {
  ASSIGN_OR_RETURN(auto texts, reader.Texts(node));
  for (const std::string& text : texts) {
    size_t colon = text.find(':');
    auto first = NumberOf(text.substr(0, colon), unit);
    auto last = colon == std::string::npos ? first : NumberOf(text.substr(colon + 1), unit);
    if (!first || !last || !Ordered(*first, *last, unit)) {
      return reader.Wrong(node, "expected " + std::string(unit.what) + " or FIRST:LAST, found \"" + text + "\"");
    }
    ranges->push_back({*first, *last});
  }
  return {};
}

base::Status ReadTimes(const base::YamlReader& reader, const YAML::Node& node, std::vector<Range>* ranges) {
  std::string start, end;
  RETURN_IF_ERROR(reader.Map(node, "a time", {{"start_time", reader.Into(&start)}, {"end_time", reader.Into(&end)}}));
  auto first = MinuteOf(start), last = MinuteOf(end);
  if (!first || !last || *first >= *last) {
    return reader.Wrong(node, "expected start_time and a later end_time, both HH:MM");
  }
  ranges->push_back({*first, *last - 1});
  return {};
}

base::Status ReadLocation(const base::YamlReader& reader, const YAML::Node& node, int* offset_minutes) {
  ASSIGN_OR_RETURN(std::string text, reader.Text(node));
  if (text == "UTC") return {};
  bool sign = text.starts_with('+') || text.starts_with('-');
  auto minutes = sign ? MinuteOf(std::string_view(text).substr(1)) : std::nullopt;
  if (!minutes) return reader.Expected(node, "UTC or an offset as +08:00");
  *offset_minutes = text.front() == '-' ? -*minutes : *minutes;
  return {};
}

}  // namespace

base::Result<TimeInterval> ReadTimeInterval(const base::YamlReader& reader, const YAML::Node& node) {
  TimeInterval interval;
  auto ranges = [&](const Unit& unit, std::vector<Range>* target) {
    return [&reader, unit, target](const YAML::Node& value) { return ReadRanges(reader, value, unit, target); };
  };
  auto times = [&](const YAML::Node& value) {
    return reader.List(value, "times",
                       [&](const YAML::Node& item) { return ReadTimes(reader, item, &interval.minutes); });
  };
  RETURN_IF_ERROR(reader.Map(
      node, "a time interval",
      {{"times", times},
       {"weekdays", ranges({"a weekday as monday", 0, 6, &kWeekdays}, &interval.weekdays)},
       {"days_of_month", ranges({"a day as 1 or -1", -31, 31}, &interval.days)},
       {"months", ranges({"a month as 1 or january", 1, 12, &kMonths}, &interval.months)},
       {"years", ranges({"a year", 1970, 9999}, &interval.years)},
       {"location", [&](const YAML::Node& value) { return ReadLocation(reader, value, &interval.offset_minutes); }}}));
  return interval;
}

}  // namespace rankscope::notify
