#include "parse/time_text.h"

namespace rankscope::parse {
namespace {

__extension__ using Wide = __int128;

// Two digits at `at`, or a number too large for anything.
int TwoDigits(std::string_view text, size_t at) {
  auto high = static_cast<unsigned>(text[at] - '0'), low = static_cast<unsigned>(text[at + 1] - '0');
  return high > 9 || low > 9 ? 1000 : static_cast<int>(high * 10 + low);
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

// The offset from UTC in seconds that ends the text.
std::optional<int64_t> Offset(std::string_view text) {
  if (text.empty() || text == "Z" || text == "z") return 0;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  int hours = TwoDigits(text, 1), minutes = TwoDigits(text, 4);
  if (hours > 23 || minutes > 59) return std::nullopt;
  return (text[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
}

}  // namespace

std::optional<base::TimeNs> ParseTimeText(std::string_view text) {
  if (text.size() < 19 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != ' ') || text[13] != ':' ||
      text[16] != ':') {
    return std::nullopt;
  }
  int century = TwoDigits(text, 0), years = TwoDigits(text, 2), month = TwoDigits(text, 5), day = TwoDigits(text, 8);
  int hour = TwoDigits(text, 11), minute = TwoDigits(text, 14), second = TwoDigits(text, 17);
  int year = century * 100 + years;
  // 60 is a leap second.
  if (year < 1678 || year > 2261 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
      second > 60) {
    return std::nullopt;
  }
  text.remove_prefix(19);
  int64_t nanos = 0;
  if (!text.empty() && (text[0] == '.' || text[0] == ',')) {
    size_t at = 1;
    for (int64_t unit = base::kNsPerSecond / 10; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
      nanos += (text[at] - '0') * unit;
      unit /= 10;
    }
    if (at == 1) return std::nullopt;
    text.remove_prefix(at);
  }
  auto offset = Offset(text);
  if (!offset) return std::nullopt;
  int64_t seconds = DaysOf(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - *offset;
  return seconds * base::kNsPerSecond + nanos;
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

}  // namespace rankscope::parse
