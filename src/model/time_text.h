#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace rankscope::model {

// "90s", "10m", "2h30m", "1d", "250ms", in ns. Nothing: it is no duration (or none of 292 years).
std::optional<int64_t> ParseDuration(std::string_view text);

// RFC 3339: 2026-11-24T10:00:00Z, with a fraction, with ±HH:MM; the zone is needed. Nothing: it is no such time, or one
// that 64 bits of ns do not hold.
std::optional<base::TimeNs> ParseTime(std::string_view text);

}  // namespace rankscope::model
