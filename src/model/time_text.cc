#include "model/time_text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace rankscope::model {
namespace {

using base::kNsPerMs;
using base::kNsPerSecond;
__extension__ using Wide = __int128;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::optional<int64_t> UnitNs(std::string_view unit) {
  if (unit == "ms") return kNsPerMs;
  if (unit == "s") return kNsPerSecond;
  if (unit == "m") return 60 * kNsPerSecond;
  if (unit == "h") return 3600 * kNsPerSecond;
  if (unit == "d") return 86400 * kNsPerSecond;
  return std::nullopt;
}

// Takes exactly `digits` digits off the front.
bool TakeNumber(std::string_view* text, size_t digits, int* value) {
  if (text->size() < digits) return false;
  *value = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (!IsDigit((*text)[i])) return false;
    *value = *value * 10 + ((*text)[i] - '0');
  }
  text->remove_prefix(digits);
  return true;
}

bool TakeChar(std::string_view* text, char wanted) {
  bool there = text->starts_with(wanted);
  if (there) text->remove_prefix(1);
  return there;
}

// Days since the epoch of a day of the Gregorian calendar (H. Hinnant, "chrono-compatible low-level date algorithms").
int64_t DaysOf(int year, int month, int day) {
  year -= month <= 2;
  int era = (year >= 0 ? year : year - 399) / 400;
  int year_of_era = year - era * 400;
  int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return int64_t{era} * 146097 + day_of_era - 719468;
}

bool TakeDate(std::string_view* text, int64_t* days) {
  int year = 0, month = 0, day = 0;
  bool ok = TakeNumber(text, 4, &year) && TakeChar(text, '-') && TakeNumber(text, 2, &month) && TakeChar(text, '-') &&
            TakeNumber(text, 2, &day);
  if (!ok || month < 1 || month > 12 || day < 1) return false;
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  *days = DaysOf(year, month, day);
  return day <= kDays[month - 1] + (leap && month == 2 ? 1 : 0);
}

bool TakeClock(std::string_view* text, int64_t* seconds, int64_t* nanos) {
  int hour = 0, minute = 0, second = 0;
  bool ok = TakeNumber(text, 2, &hour) && TakeChar(text, ':') && TakeNumber(text, 2, &minute) && TakeChar(text, ':') &&
            TakeNumber(text, 2, &second);
  if (!ok || hour > 23 || minute > 59 || second > 60) return false;  // 60 is a leap second
  *seconds = hour * 3600 + minute * 60 + second;
  if (!TakeChar(text, '.') && !TakeChar(text, ',')) return true;
  if (text->empty() || !IsDigit(text->front())) return false;
  for (int64_t scale = kNsPerSecond / 10; !text->empty() && IsDigit(text->front()); scale /= 10) {
    *nanos += (text->front() - '0') * scale;
    text->remove_prefix(1);
  }
  return true;
}

// "Z", "+08:00" or "-0330".
bool TakeZone(std::string_view* text, int64_t* offset_seconds) {
  *offset_seconds = 0;
  if (TakeChar(text, 'Z') || TakeChar(text, 'z')) return true;
  bool west = text->starts_with('-');
  if (!TakeChar(text, '+') && !TakeChar(text, '-')) return false;
  int hours = 0, minutes = 0;
  if (!TakeNumber(text, 2, &hours)) return false;
  TakeChar(text, ':');
  if (!TakeNumber(text, 2, &minutes) || hours > 23 || minutes > 59) return false;
  *offset_seconds = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
  return true;
}

}  // namespace

std::optional<int64_t> ParseDuration(std::string_view text) {
  int64_t total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    int64_t number = 0;
    auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number < 0) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(rest - text.data()));
    size_t length = 0;
    while (length < text.size() && !IsDigit(text[length])) ++length;
    auto unit = UnitNs(text.substr(0, length));
    text.remove_prefix(length);
    if (!unit || __builtin_mul_overflow(number, *unit, &number) || __builtin_add_overflow(total, number, &total)) {
      return std::nullopt;
    }
  }
  return total;
}

std::string FormatDuration(int64_t ns) {
  int64_t seconds = std::max<int64_t>(ns, 0) / base::kNsPerSecond;
  int64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
  auto both = [](int64_t large, const char* unit, int64_t small, const char* small_unit) {
    std::string text = std::to_string(large) + " " + unit;
    return small == 0 ? text : text + " " + std::to_string(small) + " " + small_unit;
  };
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (minutes < 120) return std::to_string(minutes) + " min";
  if (hours < 48) return both(hours, "h", minutes % 60, "min");
  return both(days, "d", hours % 24, "h");
}

std::optional<base::TimeNs> ParseTime(std::string_view text, Zone zone) {
  int64_t days = 0, seconds = 0, nanos = 0, offset = 0;
  bool ok = TakeDate(&text, &days) && (TakeChar(&text, 'T') || TakeChar(&text, 't') || TakeChar(&text, ' ')) &&
            TakeClock(&text, &seconds, &nanos) &&
            ((zone == Zone::kElseUtc && text.empty()) || TakeZone(&text, &offset));
  if (!ok || !text.empty()) return std::nullopt;
  int64_t ns = 0;
  if (__builtin_mul_overflow(days * 86400 + seconds - offset, kNsPerSecond, &ns) ||
      __builtin_add_overflow(ns, nanos, &ns)) {
    return std::nullopt;
  }
  return ns;
}

std::optional<base::TimeNs> TimeOfNumber(int64_t digits, int decimals) {
  Wide whole = digits;
  for (int i = 0; i < decimals; ++i) whole /= 10;
  Wide size = whole < 0 ? -whole : whole;
  // Seconds up to the year 5138, milliseconds and microseconds likewise.
  int64_t unit = size < 100'000'000'000           ? base::kNsPerSecond
                 : size < 100'000'000'000'000     ? base::kNsPerMs
                 : size < 100'000'000'000'000'000 ? 1000
                                                  : 1;
  Wide time = Wide{digits} * unit;
  for (int i = 0; i < decimals; ++i) time /= 10;
  if (time > INT64_MAX || time < INT64_MIN) return std::nullopt;
  return static_cast<base::TimeNs>(time);
}

}  // namespace rankscope::model
