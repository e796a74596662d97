#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace rankscope::access {

enum class Role { kWriter, kViewer, kOperator, kAdmin };
enum class Action {
  kIngest,   // send records
  kRead,     // jobs, logs, tails
  kControl,  // change what a running job does
};

// writer: sends, and reads nothing. viewer: reads. operator and admin: everything so far.
bool May(Role role, Action action);

// "writer", "viewer", "operator", "admin". Parsing anything else is kInvalid and names the four.
std::string_view NameOf(Role role);
base::Result<Role> ParseRole(std::string_view name);

// A project's name is its folder's name: 1 to 63 of a-z, 0-9, "-" and "_", first a letter or digit. kInvalid names it.
base::Status CheckProjectName(std::string_view name);

}  // namespace rankscope::access
