#include "cli/time_argument.h"

#include <cmath>
#include <cstdio>
#include <ctime>
#include <optional>

namespace rankscope::cli {
namespace {

std::optional<int64_t> UnitNs(std::string_view unit) {
  if (unit == "ms") return base::kNsPerMs;
  if (unit == "s") return base::kNsPerSecond;
  if (unit == "m") return 60 * base::kNsPerSecond;
  if (unit == "h") return 3600 * base::kNsPerSecond;
  if (unit == "d") return 86400 * base::kNsPerSecond;
  return std::nullopt;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::optional<int64_t> Duration(std::string_view text) {
  int64_t total = 0;
  size_t at = 0;
  while (at < text.size()) {
    size_t begin = at;
    int64_t number = 0;
    for (; at < text.size() && IsDigit(text[at]); ++at) {
      if (number > 100'000'000) return std::nullopt;
      number = number * 10 + (text[at] - '0');
    }
    size_t unit = at;
    while (at < text.size() && !IsDigit(text[at])) ++at;
    auto scale = UnitNs(text.substr(unit, at - unit));
    if (unit == begin || !scale) return std::nullopt;
    total += number * *scale;
  }
  return text.empty() ? std::nullopt : std::optional(total);
}

std::optional<base::TimeNs> Rfc3339(const std::string& text) {
  tm parts{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (!rest) return std::nullopt;
  int64_t nanos = 0;
  if (*rest == '.') {
    int64_t scale = base::kNsPerSecond;
    for (++rest; IsDigit(*rest); ++rest) {
      scale /= 10;
      nanos += (*rest - '0') * scale;
    }
  }
  int64_t offset = 0;
  int hours = 0, minutes = 0;
  if ((*rest == '+' || *rest == '-') && std::sscanf(rest + 1, "%2d:%2d", &hours, &minutes) == 2) {
    offset = (*rest == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    rest += 6;
  } else if (*rest == 'Z' || *rest == 'z') {
    ++rest;
  } else {
    return std::nullopt;
  }
  if (*rest != '\0') return std::nullopt;
  return (static_cast<int64_t>(timegm(&parts)) - offset) * base::kNsPerSecond + nanos;
}

}  // namespace

base::Result<base::TimeNs> ParseTimeArgument(std::string_view text, base::TimeNs reference) {
  if (auto duration = Duration(text)) return reference - *duration;
  if (auto time = Rfc3339(std::string(text))) return *time;
  return base::Status::Invalid("\"" + std::string(text) +
                               "\" is neither a duration (90s, 10m, 2h30m, 1d) nor a time (2026-11-24T10:00:00Z)");
}

std::string FormatAge(int64_t age_ns) {
  int64_t seconds = age_ns / base::kNsPerSecond;
  if (seconds < 120) return std::to_string(seconds) + " s ago";
  if (seconds < 7200) return std::to_string(seconds / 60) + " min ago";
  if (seconds < 172800) return std::to_string(seconds / 3600) + " h ago";
  return std::to_string(seconds / 86400) + " d ago";
}

}  // namespace rankscope::cli
