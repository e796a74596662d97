#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace rankscope::cli {

struct ImportOptions {
  std::string server, job;  // job: else the name of the file or folder
  std::vector<std::string> paths;
};

// `rankscope import PATH…`: log files and folders become stored jobs. Each file is a producer of its own, so that a
// second import of the same files stores nothing twice, and adds what they have grown by.
base::Status RunImport(const ImportOptions& options);

// The job that files without a job's name are of: the name of the file (without its ending) or folder.
std::string JobNameOf(const std::string& path);

}  // namespace rankscope::cli
