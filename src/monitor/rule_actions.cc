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
  ForgetAllBut(*wanted);
  for (const catalog::WantedAction& one : *wanted) LookAt(one);
}

void RuleActions::ForgetAllBut(const std::vector<catalog::WantedAction>& wanted) {
  std::set<std::string> known;
  for (const catalog::WantedAction& one : wanted) known.insert(one.finding);
  std::erase_if(begun_, [&](const std::string& finding) { return !known.contains(finding); });
}

void RuleActions::LookAt(const catalog::WantedAction& wanted) {
  if (wanted.concluded) {
    if (base::WallNow() - wanted.begun >= kNotAgainFor && !GoesOn(wanted)) LetGo(wanted);
  } else if (!begun_.contains(wanted.finding)) {
    Begin(wanted);
  }
}

// A hold has its outcome when it begins to hold.
bool RuleActions::GoesOn(const catalog::WantedAction& wanted) const {
  auto report = actions_->Find(project_, diagnose::IdOfFindingsAction(wanted.finding));
  return report.ok() && report->state != "done";
}

base::Result<diagnose::ActionRequest> RuleActions::RequestFor(const catalog::WantedAction& wanted) const {
  diagnose::ActionRequest request;
  request.project = project_;
  request.job = wanted.job;
  request.by = "rule " + wanted.rule;
  request.finding = wanted.finding;
  request.incident = wanted.incident;
  request.rank = wanted.rank;
  request.again = wanted.begun != 0;
  ASSIGN_OR_RETURN(request.action, model::ParseAction(wanted.action));
  return request;
}

// What cannot be begun, or written down, is tried again at the next look.
void RuleActions::Begin(const catalog::WantedAction& wanted) {
  auto request = RequestFor(wanted);
  if (!request.ok()) return Refuse(wanted, request.status());
  if (!actions_->CanBegin(*request).ok()) return;
  if (!request->again && !findings_->wanted_actions()->MarkBegun(wanted, base::WallNow()).ok()) return;
  base::Status begun = actions_->Begin(*request).status();
  if (begun.ok()) {
    begun_.insert(wanted.finding);
  } else if (begun.code() != base::Code::kUnavailable) {
    Refuse(wanted, begun);
  }
}

void RuleActions::Refuse(const catalog::WantedAction& wanted, const base::Status& why) {
  catalog::Findings::Changes changes;
  changes.events.push_back(EventOf(project_, wanted, why.message()));
  changes.events.back().fields.emplace_back("outcome", "refused");
  changes.concluded = wanted.finding;
  if (!findings_->Save(changes).ok()) return;
  begun_.insert(wanted.finding);
  say_("project " + project_ + ": finding " + wanted.finding + " wants " + wanted.action + ": " + why.message());
}

void RuleActions::LetGo(const catalog::WantedAction& wanted) {
  catalog::Findings::Changes changes;
  changes.let_go = wanted;
  if (wanted.further > 0) {
    changes.events.push_back(EventOf(project_, wanted,
                                     std::to_string(wanted.further) + " more findings wanted it meanwhile; it "
                                                                      "was done once"));
    changes.events.back().fields.emplace_back("outcome", "repeated");
    changes.events.back().fields.emplace_back("findings", wanted.further);
  }
  if (findings_->Save(changes).ok()) begun_.erase(wanted.finding);
}

}  // namespace rankscope::monitor
