#include "notify/time_interval.h"

#include <algorithm>
#include <chrono>

namespace rankscope::notify {
namespace {

bool Within(const std::vector<TimeInterval::Range>& ranges, int value) {
  auto holds = [&](const TimeInterval::Range& range) { return range.first <= value && value <= range.last; };
  return ranges.empty() || std::any_of(ranges.begin(), ranges.end(), holds);
}

bool WithinMonth(const std::vector<TimeInterval::Range>& ranges, int day, int days_of_month) {
  auto from_start = [&](int bound) { return bound < 0 ? days_of_month + 1 + bound : bound; };
  auto holds = [&](const TimeInterval::Range& range) {
    return from_start(range.first) <= day && day <= from_start(range.last);
  };
  return ranges.empty() || std::any_of(ranges.begin(), ranges.end(), holds);
}

}  // namespace

bool TimeInterval::Contains(base::TimeNs time) const {
  namespace chrono = std::chrono;
  chrono::sys_time<chrono::nanoseconds> local(chrono::nanoseconds(time) + chrono::minutes(offset_minutes));
  auto day = chrono::floor<chrono::days>(local);
  chrono::year_month_day date(day);
  auto last =
      static_cast<unsigned>(chrono::year_month_day_last(date.year(), chrono::month_day_last(date.month())).day());
  return Within(minutes, static_cast<int>(chrono::floor<chrono::minutes>(local - day).count())) &&
         Within(weekdays, static_cast<int>(chrono::weekday(day).c_encoding())) &&
         WithinMonth(days, static_cast<int>(static_cast<unsigned>(date.day())), static_cast<int>(last)) &&
         Within(months, static_cast<int>(static_cast<unsigned>(date.month()))) &&
         Within(years, static_cast<int>(date.year()));
}

}  // namespace rankscope::notify
