#include "monitor/incident_citations.h"

#include <algorithm>
#include <limits>

#include "diagnose/incidents/incident.h"

namespace rankscope::monitor {
namespace {

constexpr base::TimeNs kEver = std::numeric_limits<base::TimeNs>::max();

store::Citation CitationOf(const diagnose::Incident& incident) {
  store::Citation citation{incident.started, incident.started};
  for (const model::Record& record : incident.evidence) {
    citation.since = std::min(citation.since, record.time);
    citation.until = std::max(citation.until, record.time);
  }
  return citation;
}

}  // namespace

base::Result<std::map<std::string, std::vector<store::Citation>>> IncidentCitations::Look() {
  const uint64_t last = incidents_->last_change();
  catalog::IncidentFilter changed;
  changed.changed_after = seen_;
  ASSIGN_OR_RETURN(auto rows, incidents_->List(changed));
  for (const catalog::IncidentRow& row : rows) Take(row);
  seen_ = last;
  std::map<std::string, std::vector<store::Citation>> citations;
  for (const auto& [job, incidents] : jobs_) {
    for (const auto& [id, citation] : incidents) citations[job].push_back(citation);
  }
  return citations;
}

void IncidentCitations::Take(const catalog::IncidentRow& row) {
  auto& of_job = jobs_[row.job];
  of_job.erase(row.id);
  if (row.state == NameOf(diagnose::IncidentState::kDismissed)) return;
  auto incident = diagnose::IncidentFromJson(row.json);
  // Of one that cannot be read, all that may be its stays.
  of_job[row.id] = incident.ok() ? CitationOf(*incident) : store::Citation{row.started, kEver};
}

}  // namespace rankscope::monitor
