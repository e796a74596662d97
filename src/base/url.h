#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace rankscope::base {

// The text as part of a URL's path or query: all but letters, digits and -_.~ as %XX.
std::string UrlEncode(std::string_view text);

// The other way. kInvalid: a % without two hexadecimal digits behind it, or %00.
Result<std::string> UrlDecode(std::string_view text);

}  // namespace rankscope::base
