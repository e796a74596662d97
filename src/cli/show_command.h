#pragma once

#include <string>

#include "base/status.h"

namespace rankscope::cli {

// `rankscope show JOB`: one page. Its state and why, for each main metric the median over steps and the ranks that left
// it, the ranks that ended badly, the last words. `width`: of the terminal; 0: it is none, and no text is cut.
// kNotFound: no such job.
base::Status RunShow(const std::string& server, const std::string& job, size_t width);

}  // namespace rankscope::cli
