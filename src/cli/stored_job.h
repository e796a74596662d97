#pragma once

#include <functional>
#include <string>

#include "base/status.h"
#include "model/record_view.h"

namespace rankscope::cli {

// The records of a job that the server has, oldest first. kNotFound: it has none.
base::Status ReadStoredJob(const std::string& server, const std::string& job,
                           const std::function<void(const model::RecordView&)>& take);

}  // namespace rankscope::cli
