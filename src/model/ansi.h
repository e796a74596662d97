#pragma once

#include <string>
#include <string_view>

namespace rankscope::model {

// The text without ANSI escape sequences (SGR, cursor, OSC): what a reader sees.
std::string StripAnsi(std::string_view text);

}  // namespace rankscope::model
