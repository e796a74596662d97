#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace rankscope::model {

// "90s", "10m", "2h30m", "1d", "250ms", in ns. Nothing: it is no duration (or none of 292 years).
std::optional<int64_t> ParseDuration(std::string_view text);

// For people, in the two largest units: "45 s", "12 min", "7 h 5 min", "3 d 4 h". Negative counts as 0.
std::string FormatDuration(int64_t ns);

enum class Zone : uint8_t { kNeeded, kElseUtc };

// RFC 3339: 2026-11-24T10:00:00Z, with a fraction (digits beyond nanoseconds are cut off), with ±HH:MM. Nothing: it is
// no such time, or one that 64 bits of ns do not hold.
std::optional<base::TimeNs> ParseTime(std::string_view text, Zone zone = Zone::kNeeded);

// A time as a number of s, ms, µs or ns since the epoch, told by its size: `digits` / 10^decimals.
std::optional<base::TimeNs> TimeOfNumber(int64_t digits, int decimals);

}  // namespace rankscope::model
