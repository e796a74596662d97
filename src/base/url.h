#pragma once

#include <string>
#include <string_view>

namespace rankscope::base {

// The text as part of a URL's path or query: all but letters, digits and -_.~ as %XX.
std::string UrlEncode(std::string_view text);

}  // namespace rankscope::base
