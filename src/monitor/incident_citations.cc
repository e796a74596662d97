#include "monitor/incident_citations.h"

#include <algorithm>
#include <limits>

#include "diagnose/incidents/incident.h"

namespace rankscope::monitor {
namespace {

constexpr base::TimeNs kEver = std::numeric_limits<base::TimeNs>::max();

store::Citation CitationOf(const diagnose::Incident& incident) {
  store::Citation citation{incident.job, incident.started, incident.started};
  for (const model::Record& record : incident.evidence) {
    citation.since = std::min(citation.since, record.time);
    citation.until = std::max(citation.until, record.time);
  }
  return citation;
}

}  // namespace

base::Result<std::vector<store::Citation>> CitationsOf(const catalog::Incidents& incidents) {
  std::vector<store::Citation> citations;
  ASSIGN_OR_RETURN(auto rows, incidents.List({}));
  for (const catalog::IncidentRow& row : rows) {
    if (row.state == NameOf(diagnose::IncidentState::kDismissed)) continue;
    auto incident = diagnose::IncidentFromJson(row.json);
    // Of one that cannot be read, all that may be its stays.
    citations.push_back(incident.ok() ? CitationOf(*incident) : store::Citation{row.job, row.started, kEver});
  }
  return citations;
}

}  // namespace rankscope::monitor
