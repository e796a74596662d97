#pragma once

#include <string>
#include <string_view>

namespace rankscope::store {

// A line as a kind of line: its variables masked by <int>, <float>, <hex>, <uuid>, <path>; a word that mixes letters
// and digits is <*>. Only the first line of several, without colours. Lines of one template (text_template.h) have one
// pattern, so that it is known without the line.
std::string PatternOf(std::string_view text);
std::string PatternOfTemplate(std::string_view form);

}  // namespace rankscope::store
