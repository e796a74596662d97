#include "monitor/rule_actions.h"

#include <limits>

#include "base/clock.h"
#include "model/event.h"

namespace rankscope::monitor {
namespace {

constexpr int64_t kLookEvery = base::kNsPerSecond;
constexpr int64_t kNotAgainFor = 60 * base::kNsPerSecond;

model::Record EventOf(const std::string& project, const catalog::WantedAction& wanted, const std::string& what) {
  model::Record event =
      model::MakeEvent("action", base::WallNow(), wanted.action + ", asked by rule " + wanted.rule + ": " + what);
  event.origin.project = project;
  event.origin.job = wanted.job;
  event.level = "warning";
  event.fields.emplace_back("action", wanted.action.substr(0, wanted.action.find(' ')));
  event.fields.emplace_back("by", "rule " + wanted.rule);
  event.fields.emplace_back("finding", wanted.finding);
  return event;
}

}  // namespace

void RuleActions::Look(bool more) {
  int64_t now = base::MonotonicNow();
  if (!more && now < look_at_ns_) return;
  auto wanted = findings_->wanted_actions()->List();
  look_at_ns_ = wanted.ok() && wanted->empty() ? std::numeric_limits<int64_t>::max() : now + kLookEvery;
  if (!wanted.ok()) return;  // a disk that cannot be read now may be at the next look
  for (const catalog::WantedAction& one : *wanted) LookAt(one);
}

void RuleActions::LookAt(const catalog::WantedAction& wanted) {
  bool over = wanted.concluded && base::WallNow() - wanted.begun >= kNotAgainFor;
  base::Status status;
  if (over) {
    status = LetGo(wanted);
  } else if (!wanted.concluded && !begun_.contains(wanted.finding)) {
    status = Begin(wanted);
  }
  if (status.ok() || status.code() == base::Code::kUnavailable) return;  // later, then
  Refuse(wanted, status);
}

base::Status RuleActions::Begin(const catalog::WantedAction& wanted) {
  diagnose::ActionRequest request;
  request.project = project_;
  request.job = wanted.job;
  request.by = "rule " + wanted.rule;
  request.finding = wanted.finding;
  request.incident = wanted.incident;
  request.rank = wanted.rank;
  request.again = wanted.begun != 0;
  ASSIGN_OR_RETURN(request.action, model::ParseAction(wanted.action));
  RETURN_IF_ERROR(actions_->CanBegin(request));
  if (!request.again) RETURN_IF_ERROR(findings_->wanted_actions()->MarkBegun(wanted, base::WallNow()));
  RETURN_IF_ERROR(actions_->Begin(request).status());
  begun_.insert(wanted.finding);
  return {};
}

void RuleActions::Refuse(const catalog::WantedAction& wanted, const base::Status& why) {
  say_("project " + project_ + ": finding " + wanted.finding + " wants " + wanted.action + ": " + why.message());
  begun_.insert(wanted.finding);
  catalog::Findings::Changes changes;
  changes.events.push_back(EventOf(project_, wanted, why.message()));
  changes.events.back().fields.emplace_back("outcome", "refused");
  changes.concluded = wanted.finding;
  (void)findings_->Save(changes).ok();
}

base::Status RuleActions::LetGo(const catalog::WantedAction& wanted) {
  if (wanted.further > 0) {
    catalog::Findings::Changes changes;
    changes.events.push_back(EventOf(project_, wanted,
                                     std::to_string(wanted.further) + " more findings wanted it within the minute; it "
                                                                      "was done once"));
    changes.events.back().fields.emplace_back("outcome", "repeated");
    changes.events.back().fields.emplace_back("findings", wanted.further);
    RETURN_IF_ERROR(findings_->Save(changes));
  }
  begun_.erase(wanted.finding);
  return findings_->wanted_actions()->Remove(wanted);
}

}  // namespace rankscope::monitor
