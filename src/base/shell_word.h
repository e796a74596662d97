#pragma once

#include <string>
#include <string_view>

namespace rankscope::base {

// The text as one word of a POSIX shell's command line: as it is where no shell minds, else in single quotes.
std::string ShellWord(std::string_view text);

}  // namespace rankscope::base
