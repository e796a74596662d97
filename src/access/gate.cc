#include "access/gate.h"

#include "access/token_file.h"

namespace rankscope::access {
namespace {

constexpr const char* kDefaultProject = "default";

bool SameFile(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

std::string_view Doing(Action action) {
  switch (action) {
    case Action::kIngest:
      return "send records";
    case Action::kRead:
      return "read";
    case Action::kControl:
      return "change jobs";
  }
  return "";
}

}  // namespace

// REQUIRES mutex_. A damaged file admits nobody.
base::Status Gate::Refresh() {
  struct stat now {};
  if (stat(file_.c_str(), &now) != 0) now = {};
  if (SameFile(now, seen_)) return {};
  tokens_.clear();
  ASSIGN_OR_RETURN(std::vector<Token> tokens, ReadTokens(file_));
  for (Token& token : tokens) tokens_[token.id] = std::move(token);
  seen_ = now;
  return {};
}

Gate::Verdict Gate::Admit(const std::string& token, const std::string& project, Action action) {
  if (!project.empty()) {
    if (auto status = CheckProjectName(project); !status.ok()) return {Verdict::kForbidden, "", status.message()};
  }
  if (token.empty() && openness_ == Openness::kLoopback) {
    return {Verdict::kAdmitted, project.empty() ? kDefaultProject : project, ""};
  }
  if (token.empty()) {
    return {Verdict::kUnknown, "", "this server wants a token: --token or $RANKSCOPE_TOKEN (`rankscope token create`)"};
  }
  auto parts = ParseToken(token);
  if (!parts.ok()) return {Verdict::kUnknown, "", parts.status().message()};
  std::lock_guard lock(mutex_);
  if (auto status = Refresh(); !status.ok()) return {Verdict::kUnknown, "", status.message()};
  auto found = tokens_.find(std::string(parts->id));
  if (found == tokens_.end() || !SameHash(found->second.hash, HashSecret(parts->secret))) {
    return {Verdict::kUnknown, "", "token " + std::string(parts->id) + " is unknown here or was revoked"};
  }
  return AdmitHolder(found->second, project, action);
}

Gate::Verdict Gate::AdmitHolder(const Token& token, const std::string& project, Action action) const {
  std::string who = "token " + token.id + " (" + std::string(NameOf(token.role)) + " of project " + token.project + ")";
  if (!project.empty() && project != token.project) {
    return {Verdict::kForbidden, "", who + " is not for project " + project};
  }
  if (!May(token.role, action)) return {Verdict::kForbidden, "", who + " may not " + std::string(Doing(action))};
  return {Verdict::kAdmitted, token.project, ""};
}

}  // namespace rankscope::access
