#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace rankscope::parse {

// The time that the whole text says: RFC 3339 ("2026-11-01T00:20:00.123Z", with an offset or `Z`, `T` or a blank;
// without an offset: UTC). Digits beyond nanoseconds are cut off. Nothing: it is no such time, or beyond the years 1678
// to 2261.
std::optional<base::TimeNs> ParseTimeText(std::string_view text);

// A time as a number of s, ms, µs or ns since the epoch, told by its size: `digits` / 10^decimals.
std::optional<base::TimeNs> TimeOfNumber(int64_t digits, int decimals);

}  // namespace rankscope::parse
