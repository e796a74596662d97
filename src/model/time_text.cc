#include "model/time_text.h"

#include <charconv>
#include <cstdint>
#include <ctime>

namespace rankscope::model {
namespace {

using base::kNsPerMs;
using base::kNsPerSecond;

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

bool TakeDate(std::string_view* text, tm* parts) {
  bool ok = TakeNumber(text, 4, &parts->tm_year) && TakeChar(text, '-') && TakeNumber(text, 2, &parts->tm_mon) &&
            TakeChar(text, '-') && TakeNumber(text, 2, &parts->tm_mday);
  if (!ok || parts->tm_mon < 1 || parts->tm_mon > 12 || parts->tm_mday < 1) return false;
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int year = parts->tm_year;
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  bool in_month = parts->tm_mday <= kDays[parts->tm_mon - 1] + (leap && parts->tm_mon == 2 ? 1 : 0);
  parts->tm_year -= 1900;
  parts->tm_mon -= 1;
  return in_month;
}

bool TakeClock(std::string_view* text, tm* parts, int64_t* nanos) {
  if (!TakeNumber(text, 2, &parts->tm_hour) || !TakeChar(text, ':') || !TakeNumber(text, 2, &parts->tm_min)) {
    return false;
  }
  if (parts->tm_hour > 23 || parts->tm_min > 59) return false;
  if (!TakeChar(text, ':') || !TakeNumber(text, 2, &parts->tm_sec) || parts->tm_sec > 60) {
    return false;
  }
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

std::optional<base::TimeNs> ParseTime(std::string_view text) {
  tm parts{};
  int64_t nanos = 0, offset = 0;
  bool ok = TakeDate(&text, &parts) && (TakeChar(&text, 'T') || TakeChar(&text, 't') || TakeChar(&text, ' ')) &&
            TakeClock(&text, &parts, &nanos) && TakeZone(&text, &offset);
  if (!ok || !text.empty()) return std::nullopt;
  int64_t ns = 0;
  int64_t seconds = static_cast<int64_t>(timegm(&parts)) - offset;
  if (__builtin_mul_overflow(seconds, kNsPerSecond, &ns) || __builtin_add_overflow(ns, nanos, &ns)) {
    return std::nullopt;
  }
  return ns;
}

}  // namespace rankscope::model
