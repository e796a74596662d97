#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rankscope::store {

// Where a job's files lie below its store's folder: "jobs/NAME", the name made of any job id and no longer than a
// file's name may be. The one of no job is "jobs/%".
std::string FolderOfJob(std::string_view job);
// The job of a file in such a folder; none where the id was too long for the folder's name.
std::optional<std::string> JobOfFile(std::string_view name);

}  // namespace rankscope::store
