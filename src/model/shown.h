#pragma once

#include <string>
#include <string_view>

namespace rankscope::model {

// What came from anywhere, as one line that steers no terminal: control characters become blanks, those of C1, too
// (U+009B begins a command as ESC [ does, and in some terminals so does the bare byte); what is no UTF-8 becomes
// U+FFFD. At most so many bytes of it, whole characters.
std::string Shown(std::string_view text, size_t most_bytes = std::string_view::npos);

bool IsControl(char32_t point);

}  // namespace rankscope::model
