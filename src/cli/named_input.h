#pragma once

#include <string>

#include "base/status.h"

namespace rankscope::cli {

// What the command line names cannot be read, or holds nothing to read: kInvalid, whatever the reason, so that every
// command ends alike (docs/exit-codes.md).
base::Status Unreadable(const base::Status& status);

// A file that the command line names; kInvalid: it cannot be read.
base::Result<std::string> ReadNamedFile(const std::string& path);

}  // namespace rankscope::cli
