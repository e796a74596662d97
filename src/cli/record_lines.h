#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace rankscope::cli {

// GetLines of records; kInternal where the answer says that it is not whole.
base::Status GetRecords(const std::string& server, const std::string& path,
                        const std::function<bool(std::string_view)>& take, const std::function<bool()>& idle = {});

}  // namespace rankscope::cli
