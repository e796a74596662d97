#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace rankscope::cli {

// Each request brings $RANKSCOPE_TOKEN along, and asks $RANKSCOPE_PROJECT, where they are set.

// GET http://ADDRESS/PATH; `take` gets each complete line of the body without its newline and may stop by returning
// false. An error body {"error": …} becomes the status's message: kNotFound for 404, kInternal for 401, 403 and 409,
// kInvalid for other 4xx. `idle`, if given, is called about once a second meanwhile; it may stop, too.
base::Status GetLines(const std::string& address, const std::string& path,
                      const std::function<bool(std::string_view)>& take, const std::function<bool()>& idle = {});

// POST with a JSON body; kUnavailable when it is not answered in time (0: whenever). The rest as GetLines.
base::Status PostLines(const std::string& address, const std::string& path, const std::string& body,
                       const std::function<bool(std::string_view)>& take, long timeout_ms = 5000);

// DELETE; as GetLines.
base::Status DeleteLines(const std::string& address, const std::string& path,
                         const std::function<bool(std::string_view)>& take);

}  // namespace rankscope::cli
