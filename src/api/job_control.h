#pragma once

#include <string>

#include "base/status.h"
#include "catalog/catalog.h"

namespace rankscope::api {

// What people may decide about the stored jobs of a project. All methods from any thread; durable when they return.
class JobControl {
 public:
  virtual ~JobControl() = default;
  // Removes every record of the job and what is known of it. kInvalid: it is pinned or runs, and `force` is not given.
  virtual base::Status Delete(const std::string& job, bool force) = 0;
  virtual base::Status Pin(const std::string& job, const catalog::Pin& pin) = 0;
  virtual base::Status Unpin(const std::string& job) = 0;
  // Its records were files that lay under `from`.
  virtual base::Status NoteImport(const std::string& job, const std::string& from) = 0;
};

}  // namespace rankscope::api
