#pragma once

#include <string_view>

#include "base/status.h"
#include "diagnose/case/case.h"

namespace rankscope::diagnose {

// Reads {"message": {"message": …, "extraInfo": {"py_callstack": …, "timestamp": "…"}, "errorCode": …}} or the older
// {"message": "…", "timestamp": …}. Sets what it says; not whose it is. kInvalid: it is none.
base::Result<ErrorFile> ParseErrorFile(std::string_view bytes);

}  // namespace rankscope::diagnose
