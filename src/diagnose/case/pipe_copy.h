#pragma once

#include <memory>
#include <string>

#include "base/file.h"
#include "base/status.h"

namespace rankscope::diagnose {

// "-", the standard input, or the path of a pipe.
bool IsPipe(const std::string& path);

// All that comes by it until its end, in a file without a name: logs are read from several places at once. Waits for
// who writes to it. kInvalid names the path.
base::Result<std::shared_ptr<base::UniqueFd>> CopyPipe(const std::string& path);

}  // namespace rankscope::diagnose
