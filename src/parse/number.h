#pragma once

#include <optional>
#include <string_view>

namespace rankscope::parse {

// The number that the whole text is: "2.15", "1e-05", "'2.272'", "7,123", "nan", "-inf", "np.float64(0.5)".
std::optional<double> ParseNumber(std::string_view text);

std::string_view Trim(std::string_view text);

}  // namespace rankscope::parse
