#include "parse/leading_time.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>

#include "model/time_text.h"

namespace rankscope::parse {
namespace {

constexpr size_t kLeadingBytes = 80;
constexpr int64_t kDay = 86'400 * base::kNsPerSecond;

// A letter stands for a digit of its field (Y, M, D, h, m, s), B for a letter of the month's name, ? for what parts
// day and time, ~ for a digit or blank of the day, E for glog's letter of the level. The longer come first.
constexpr std::string_view kForms[] = {
    "YYYY-MM-DD?hh:mm:ss",  "YYYY/MM/DD?hh:mm:ss", "MM/DD/YYYY?hh:mm:ss", "MM/DD/yy?hh:mm:ss", "EMMDD hh:mm:ss",
    "BBB ~D hh:mm:ss YYYY", "BBB ~D hh:mm:ss",     "MM-DD?hh:mm:ss",      "MM/DD?hh:mm:ss",
};
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWordByte(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

struct Clock {
  int year = -1, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

// The field of the clock that the form's letter is a digit of; null: of none.
int* FieldOf(char letter, Clock* clock) {
  switch (letter) {
    case 'Y':
    case 'y':
      return &clock->year;
    case 'M':
      return &clock->month;
    case 'D':
    case '~':
      return &clock->day;
    case 'h':
      return &clock->hour;
    case 'm':
      return &clock->minute;
    case 's':
      return &clock->second;
    default:
      return nullptr;
  }
}

bool ReadMonthName(std::string_view text, Clock* clock) {
  size_t at = kMonths.find(text.substr(0, 3));
  if (at == std::string_view::npos || at % 3 != 0) return false;
  clock->month = static_cast<int>(at / 3) + 1;
  return true;
}

bool TakeByte(char letter, char byte, Clock* clock) {
  if (int* field = FieldOf(letter, clock)) {
    if (letter == '~' && byte == ' ') return true;
    if (!IsDigit(byte)) return false;
    *field = (*field < 0 ? 0 : *field * 10) + (byte - '0');
    return true;
  }
  if (letter == '?') return byte == ' ' || byte == 'T' || byte == '_';
  if (letter == 'E') return std::string_view("IWEFD").find(byte) != std::string_view::npos;
  return letter == 'B' || letter == byte;
}

std::optional<Clock> ReadForm(std::string_view form, std::string_view text) {
  Clock clock;
  if (text.size() < form.size()) return std::nullopt;
  for (size_t i = 0; i < form.size(); ++i) {
    if (!TakeByte(form[i], text[i], &clock)) return std::nullopt;
  }
  if (form[0] == 'B' && !ReadMonthName(text, &clock)) return std::nullopt;
  if (form.find('y') != std::string_view::npos) clock.year += 2000;
  if (form.starts_with("MM/") && clock.month > 12) std::swap(clock.month, clock.day);  // 25/11/2026
  return clock;
}

// Takes ".123456" from the text: ns.
int64_t TakeFraction(std::string_view* text) {
  if (text->size() < 2 || ((*text)[0] != '.' && (*text)[0] != ',') || !IsDigit((*text)[1])) return 0;
  int64_t ns = 0, unit = base::kNsPerSecond;
  for (text->remove_prefix(1); !text->empty() && IsDigit(text->front()); text->remove_prefix(1)) {
    unit /= 10;
    ns += (text->front() - '0') * unit;
  }
  return ns;
}

// What the zone at the text's beginning is ahead of UTC, in ns: Z, +08:00, +0800.
int64_t ZoneOf(std::string_view text) {
  if (text.size() < 5 || (text[0] != '+' && text[0] != '-')) return 0;
  std::array<int, 4> digits{};
  size_t at = 1;
  for (int& digit : digits) {
    if (at == 3 && text[at] == ':') ++at;
    if (at >= text.size() || !IsDigit(text[at])) return 0;
    digit = text[at++] - '0';
  }
  int minutes = (digits[0] * 10 + digits[1]) * 60 + digits[2] * 10 + digits[3];
  return (text[0] == '-' ? -1 : 1) * minutes * 60 * base::kNsPerSecond;
}

std::optional<base::TimeNs> TimeOf(const Clock& clock) {
  using std::chrono::day, std::chrono::month, std::chrono::year;
  std::chrono::year_month_day date(year(clock.year), month(static_cast<unsigned>(clock.month)),
                                   day(static_cast<unsigned>(clock.day)));
  bool known = date.ok() && clock.year >= 1970 && clock.year < 2200;
  if (!known || clock.hour > 23 || clock.minute > 59 || clock.second > 60) return std::nullopt;
  int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  int64_t seconds = clock.hour * 3600 + clock.minute * 60 + clock.second;
  return days * kDay + seconds * base::kNsPerSecond;
}

std::optional<base::TimeNs> NearestYear(Clock clock, base::TimeNs near) {
  int guess = static_cast<int>(1970 + near / (365 * kDay + kDay / 4));
  std::optional<base::TimeNs> best;
  for (clock.year = guess - 1; clock.year <= guess + 1; ++clock.year) {
    auto time = TimeOf(clock);
    if (time && (!best || std::abs(*time - near) < std::abs(*best - near))) best = time;
  }
  return best;
}

std::optional<base::TimeNs> TimeAt(std::string_view text, std::optional<base::TimeNs> near) {
  for (std::string_view form : kForms) {
    auto clock = ReadForm(form, text);
    if (!clock || (clock->year < 0 && !near)) continue;
    auto time = clock->year < 0 ? NearestYear(*clock, *near) : TimeOf(*clock);
    text.remove_prefix(form.size());
    if (!time || (!text.empty() && IsDigit(text.front()))) return std::nullopt;
    int64_t fraction = TakeFraction(&text);
    return *time + fraction - ZoneOf(text);
  }
  return std::nullopt;
}

// 1793491200.25 at the beginning, bare or in brackets, for times from 2001 on.
std::optional<base::TimeNs> EpochTime(std::string_view line) {
  if (line.starts_with('[')) line.remove_prefix(1);
  if (!line.starts_with('1')) return std::nullopt;  // 19 digits from here on fit
  size_t whole = 0, end = 0, decimals = 0;
  int64_t digits = 0;
  for (; end < line.size() && end < 20 && (IsDigit(line[end]) || (line[end] == '.' && whole == 0)); ++end) {
    if (line[end] == '.') {
      whole = end;
    } else if (end < 19) {
      digits = digits * 10 + (line[end] - '0');
      decimals += whole > 0 ? 1 : 0;
    }
  }
  size_t before_point = whole > 0 ? whole : end;
  bool size = before_point == 10 || before_point == 13 || before_point == 16 || before_point == 19;
  bool parted = end < line.size() && std::string_view(" ]:,\t").find(line[end]) != std::string_view::npos;
  if (!size || !parted) return std::nullopt;
  return model::TimeOfNumber(digits, static_cast<int>(decimals));
}

}  // namespace

std::optional<base::TimeNs> LeadingTime(std::string_view line, std::optional<base::TimeNs> near) {
  if (auto time = EpochTime(line)) return time;
  size_t leading = std::min(line.size(), kLeadingBytes);
  for (size_t at = 0; at + 14 <= leading; ++at) {
    bool begins = at == 0 || !(IsWordByte(line[at - 1]) || line[at - 1] == '-' || line[at - 1] == '/');
    if (!begins || !IsWordByte(line[at])) continue;
    if (auto time = TimeAt(line.substr(at), near)) return time;
  }
  return std::nullopt;
}

}  // namespace rankscope::parse
