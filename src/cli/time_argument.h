#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"

namespace rankscope::cli {

// "10m", "2h30m", "90s", "250ms", "1d": a duration back from `reference`, which is "now"; or an RFC 3339 time
// ("2026-11-24T10:00:00Z", fraction and ±HH:MM offset allowed; without an offset it is UTC, as all times that we
// print), or its beginning: the minute or the day. kInvalid shows the accepted forms.
base::Result<base::TimeNs> ParseTimeArgument(std::string_view text, base::TimeNs reference);

// "3 s ago", "3 d 4 h ago".
std::string FormatAge(int64_t age_ns);

}  // namespace rankscope::cli
