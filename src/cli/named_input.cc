#include "cli/named_input.h"

#include "base/file.h"

namespace rankscope::cli {

base::Status Unreadable(const base::Status& status) {
  return status.ok() ? status : base::Status::Invalid(status.message());
}

base::Result<std::string> ReadNamedFile(const std::string& path) {
  auto text = base::ReadWholeFile(path);
  if (!text.ok()) return Unreadable(text.status());
  return text;
}

}  // namespace rankscope::cli
