#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace rankscope::parse {

// The first date with a time of day in the beginning of the line, UTC unless it has a zone:
//   2026-11-01 00:20:00,123   2026-11-01T00:20:00.5+08:00   2026/11/01 00:20:00   11/01/2026 00:20:00
//   or the seconds since 1970 at its very beginning, bare or in brackets: 1793491200.25
// and, where `near` says about when it was written, those that tell no year, as of the year that puts them nearest:
//   E1101 00:20:00.123456 (glog)   Nov  1 00:20:00 (syslog)   11-01 00:20:00   11/01 00:20:00
std::optional<base::TimeNs> LeadingTime(std::string_view line, std::optional<base::TimeNs> near = std::nullopt);

}  // namespace rankscope::parse
