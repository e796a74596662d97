#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace rankscope::detect {

// promtool's notation of values: `10-0.01x400` (401 values, each 0.01 less than the one before), `7x3` (four times 7),
// `1 nan inf`, `_` and `_x5` for values that are missing. kInvalid: "column N: …". At most a million values.
base::Result<std::vector<std::optional<double>>> ParseSeriesValues(std::string_view text);

}  // namespace rankscope::detect
