#pragma once

#include <functional>
#include <string>

#include "base/status.h"
#include "model/record_view.h"

namespace rankscope::cli {

// The records of a job that the server has, oldest first. Where it is one of imported files, a rank that ends with a
// traceback gets the event that says so, as it does where the files themselves are read (record_files.h). kNotFound:
// there are none.
base::Status ReadStoredJob(const std::string& server, const std::string& job,
                           const std::function<void(const model::RecordView&)>& take);

}  // namespace rankscope::cli
