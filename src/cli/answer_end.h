#pragma once

#include <string_view>

#include "base/status.h"

namespace rankscope::cli {

// What the line of an answer says of the answer itself: nothing (OK) where it is a row; kInternal where it says that a
// limit made the answer partial, or that the answer broke off.
base::Status EndSaidBy(std::string_view line);

}  // namespace rankscope::cli
