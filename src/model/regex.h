#pragma once

#include <memory>
#include <string>

#include "base/status.h"

namespace re2 {
class RE2;
}

namespace rankscope::model {

// The one way in which patterns are understood: RE2 (linear time), UTF-8, `.` stops at newlines, memory bounded.
// kInvalid: "regex "…": what RE2 says".
base::Result<std::shared_ptr<const re2::RE2>> CompileRegex(const std::string& pattern, bool case_sensitive);

}  // namespace rankscope::model
