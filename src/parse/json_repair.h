#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rankscope::parse {

// The line with bare NaN and infinities quoted, and with U+FFFD for what is not UTF-8 and for escaped halves of
// surrogate pairs, which json.dumps writes of a text that was read with surrogateescape.
std::string RepairedJson(std::string_view line);

// The number that one of those quoted words stands for.
std::optional<double> NonFinite(std::string_view text);

}  // namespace rankscope::parse
