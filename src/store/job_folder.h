#pragma once

#include <string>
#include <string_view>

namespace rankscope::store {

// Where a job's files lie below its store's folder: "jobs/NAME", the name made of any job id. The one of no job is
// "jobs/%".
std::string FolderOfJob(std::string_view job);
// The job of a file in such a folder.
std::string JobOfFile(std::string_view name);

}  // namespace rankscope::store
