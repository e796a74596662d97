#include "access/role.h"

#include <algorithm>
#include <array>
#include <utility>

namespace rankscope::access {
namespace {

constexpr std::array<std::pair<Role, std::string_view>, 4> kNames = {
    {{Role::kWriter, "writer"}, {Role::kViewer, "viewer"}, {Role::kOperator, "operator"}, {Role::kAdmin, "admin"}}};
constexpr size_t kMaxProjectName = 63;

bool IsLowerOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

bool May(Role role, Action action) {
  switch (role) {
    case Role::kWriter:
      return action == Action::kIngest;
    case Role::kViewer:
      return action == Action::kRead;
    case Role::kOperator:
    case Role::kAdmin:
      return true;
  }
  return false;
}

std::string_view NameOf(Role role) {
  for (const auto& [known, name] : kNames) {
    if (known == role) return name;
  }
  return "";
}

base::Result<Role> ParseRole(std::string_view name) {
  for (const auto& [role, known] : kNames) {
    if (known == name) return role;
  }
  return base::Status::Invalid("role \"" + std::string(name) + "\" is none of writer, viewer, operator, admin");
}

base::Status CheckProjectName(std::string_view name) {
  bool fits = !name.empty() && name.size() <= kMaxProjectName && IsLowerOrDigit(name[0]) &&
              std::all_of(name.begin(), name.end(), [](char c) { return IsLowerOrDigit(c) || c == '-' || c == '_'; });
  if (fits) return {};
  return base::Status::Invalid("project \"" + std::string(name.substr(0, kMaxProjectName)) +
                               "\": want 1 to 63 of a-z, 0-9, - and _, the first a letter or a digit");
}

}  // namespace rankscope::access
