#include "monitor/incident_desk.h"

#include <algorithm>

#include "base/clock.h"
#include "monitor/incident_rows.h"

namespace rankscope::monitor {
namespace {

using diagnose::Incident;
using diagnose::IncidentState;

// Beyond those that are open: who comes back within the window is among them.
constexpr auto kMostPast = static_cast<int64_t>(diagnose::IncidentBook::kMostClosed);

}  // namespace

IncidentDesk::IncidentDesk(Parts parts)
    : parts_(std::move(parts)),
      book_(parts_.project, [this](const Incident& incident) { versions_.push_back(incident); }) {}

base::Status IncidentDesk::Know(const std::string& job) {
  used_[job] = base::MonotonicNow();
  if (book_.Knows(job)) return {};
  catalog::IncidentFilter open, past;
  open.job = past.job = job;
  open.open = true;
  past.open = false;
  past.limit = kMostPast;
  ASSIGN_OR_RETURN(auto rows, parts_.findings->incidents()->List(open));
  ASSIGN_OR_RETURN(auto closed, parts_.findings->incidents()->List(past));
  rows.insert(rows.end(), closed.begin(), closed.end());
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.place < b.place; });
  diagnose::IncidentBook::Past known;
  for (const catalog::IncidentRow& row : rows) {
    if (row.job != job) continue;  // "" asks for all
    ASSIGN_OR_RETURN(Incident incident, diagnose::IncidentFromJson(row.json));
    known.incidents.push_back(std::move(incident));
  }
  ASSIGN_OR_RETURN(known.active, parts_.findings->incidents()->ActiveFindings(job));
  known.world_size = parts_.world_size(job);
  book_.Restore(job, std::move(known));
  return {};
}

std::string IncidentDesk::Take(const detect::Finding& finding) {
  if (auto status = Know(finding.job); !status.ok()) {
    parts_.say("project " + parts_.project + ": job \"" + finding.job +
               "\": incidents begin anew: " + status.message());
  }
  return book_.Take(finding);
}

base::Result<Incident> IncidentDesk::Say(const std::string& id, const IncidentWord& word, base::TimeNs now) {
  ASSIGN_OR_RETURN(catalog::IncidentRow row, parts_.findings->incidents()->Get(id));
  RETURN_IF_ERROR(Know(row.job));
  ASSIGN_OR_RETURN(Incident old, diagnose::IncidentFromJson(row.json));
  book_.Admit(row.job, std::move(old));  // the book may have let it go
  diagnose::IncidentBook::Word said{word.by, word.note, now};
  switch (word.act) {
    case IncidentWord::Act::kAcknowledge:
      return book_.Acknowledge(row.job, id, said, word.until);
    case IncidentWord::Act::kConfirm:
      return book_.Decide(row.job, id, said, IncidentState::kConfirmed);
    case IncidentWord::Act::kDismiss:
      return book_.Decide(row.job, id, said, IncidentState::kDismissed);
    case IncidentWord::Act::kResolve:
      break;
  }
  return book_.Resolve(row.job, id, said);
}

base::Status IncidentDesk::ResolveAll(const std::string& job, const std::string& note, base::TimeNs now) {
  RETURN_IF_ERROR(Know(job));
  catalog::IncidentFilter open;
  open.job = job;
  open.open = true;
  ASSIGN_OR_RETURN(auto rows, parts_.findings->incidents()->List(open));
  for (const catalog::IncidentRow& row : rows) {
    if (row.job == job) RETURN_IF_ERROR(book_.Resolve(job, row.id, {"", note, now}).status());
  }
  return {};
}

void IncidentDesk::EndAcknowledgements(base::TimeNs now) {
  auto over = parts_.findings->incidents()->AcknowledgedUntil(now);
  if (!over.ok()) return;  // asked again soon
  for (const auto& [id, job] : *over) {
    if (Know(job).ok()) book_.Advance(job, now);
  }
}

void IncidentDesk::SetCost(const std::string& job, const std::string& id, const diagnose::IncidentCost& cost) {
  if (Know(job).ok()) book_.SetCost(job, id, cost);
}

void IncidentDesk::Forget(const std::string& job) {
  book_.Forget(job);
  used_.erase(job);
}

void IncidentDesk::ForgetUnused(int64_t now) {
  std::vector<std::pair<int64_t, std::string>> by_use;
  for (const auto& [job, used] : used_) by_use.emplace_back(used, job);
  std::sort(by_use.begin(), by_use.end());
  size_t too_many = by_use.size() - std::min(by_use.size(), kMostJobs);
  for (size_t i = 0; i < by_use.size(); ++i) {
    bool goes = i < too_many || now - by_use[i].first >= kQuiet;
    if (!goes) break;
    Forget(by_use[i].second);
  }
}

void IncidentDesk::Drain(catalog::Findings::Changes* changes) {
  for (const Incident& incident : book_.TakeTouched()) changes->incidents.push_back(RowOf(incident));
  for (const Incident& incident : std::exchange(versions_, {})) {
    changes->versions.push_back(RowOf(incident));
    changes->events.push_back(EventOf(incident));
  }
}

}  // namespace rankscope::monitor
