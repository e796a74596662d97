#pragma once

#include <string>

#include "base/status.h"

namespace rankscope::cli {

// `rankscope show JOB`: one page. Its state and why, for each main metric its last and
// extreme values, the median over steps and the ranks that left it, the ranks that ended badly, the last words.
// With `json`, one object: job, diagnosis (or null), ends, incidents and findings (newest first), metrics, last_words.
// `width`: of the terminal; 0: it is none, and no text is cut. kNotFound: no such job.
base::Status RunShow(const std::string& server, const std::string& job, bool json, size_t width);

}  // namespace rankscope::cli
