#include "base/status.h"

#include <cerrno>
#include <system_error>

namespace rankscope::base {

Status Status::FromErrno(std::string_view what, int error) {
  std::string message(what);
  message += ": ";
  message += std::generic_category().message(error);
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return Unavailable(std::move(message));
    case ENOENT:
      return NotFound(std::move(message));
    default:
      return Internal(std::move(message));
  }
}

Status Status::WithContext(std::string_view context) const {
  if (ok()) return *this;
  std::string message(context);
  message += ": ";
  message += message_;
  return {code_, std::move(message)};
}

}  // namespace rankscope::base
