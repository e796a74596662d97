#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "model/record_view.h"

namespace rankscope::cli {

// The records of files and folders (as `import` finds them: records in their JSON form, or logs as they lie about),
// merged by time. A rank that ends with a traceback gets the event that says so (last_words.h), after all of them. They
// are held in memory in their binary form. Who says no job is of one named like the file or folder. kInvalid: a line
// that is no record, "FILE:LINE: why"; a path that cannot be read or has no logs in it.
base::Status ReadRecordFiles(const std::vector<std::string>& paths,
                             const std::function<void(const model::RecordView&)>& take);

}  // namespace rankscope::cli
