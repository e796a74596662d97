#pragma once

#include <string>
#include <string_view>

namespace rankscope::detect {

// Why the pattern (RE2's syntax, searched across lines) can match no text at all; empty: it may. Looks at what people
// get wrong: a border of a word, a line or the text where there can be none ("x\\by", "a^b", "a$b", "a\\Ab").
std::string WhyDead(std::string_view pattern);

}  // namespace rankscope::detect
