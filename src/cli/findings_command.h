#pragma once

#include <string>

#include "base/status.h"

namespace rankscope::cli {

struct FindingsOptions {
  std::string server, job, state;  // job and state "": all
  bool json = false;               // the server's objects as they are
};

// `rankscope findings`: a line a finding, newest last, with what was decided about it. kNotFound: there is no such job.
base::Status RunFindings(const FindingsOptions& options);

// `rankscope findings confirm|dismiss ID`. `by`: who says so; `note`: why. kNotFound.
base::Status RunDecide(const std::string& server, const std::string& id, const std::string& action,
                       const std::string& by, const std::string& note);

}  // namespace rankscope::cli
