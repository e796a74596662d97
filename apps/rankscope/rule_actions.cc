#include "rule_actions.h"

#include <nlohmann/json.hpp>

namespace rankscope {
namespace {

// nullopt: it wants nothing beyond being told, which it is anyway.
std::optional<std::string> WantedBy(const catalog::FindingRow& finding) {
  if (!finding.active) return std::nullopt;
  auto json = nlohmann::json::parse(finding.json, nullptr, /*allow_exceptions=*/false);
  std::string action = json.is_object() ? json.value("action", "") : "";
  if (action.empty() || action == "notify_only") return std::nullopt;
  return action;
}

base::Status Begin(const std::string& project, const catalog::FindingRow& finding, const std::string& action,
                   diagnose::ActionPort* actions) {
  diagnose::ActionRequest request;
  request.project = project;
  request.job = finding.job;
  request.by = "rule " + finding.rule;
  request.finding = finding.id;
  request.rank = finding.rank;
  ASSIGN_OR_RETURN(request.action, model::ParseAction(action));
  return actions->Begin(request).status();
}

}  // namespace

void ActOnFindings(const std::string& project, const std::vector<catalog::FindingRow>& findings,
                   diagnose::ActionPort* actions, const std::function<void(const std::string&)>& say) {
  for (const catalog::FindingRow& finding : findings) {
    auto action = WantedBy(finding);
    if (!action) continue;
    if (auto status = Begin(project, finding, *action, actions); !status.ok()) {
      say("project " + project + ": finding " + finding.id + " wants " + *action + ": " + status.message());
    }
  }
}

}  // namespace rankscope
