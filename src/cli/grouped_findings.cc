#include "cli/grouped_findings.h"

#include <utility>

namespace rankscope::cli {

GroupedFindings::GroupedFindings()
    : book_("default", [this](const diagnose::Incident& incident) {
        incidents_[incident.id] = {incident.open(), incident.superseded_by};
      }) {}

// The end of one whose incident the book has let go belongs to that still.
void GroupedFindings::Take(const detect::Finding& finding) {
  std::string incident = book_.Take(finding);
  if (!incident.empty()) homes_[finding.id] = std::move(incident);
  findings_.Take(finding);
}

std::vector<detect::Finding> GroupedFindings::All() const {
  std::vector<detect::Finding> all = findings_.all();
  for (detect::Finding& finding : all) {
    if (auto home = homes_.find(finding.id); home != homes_.end()) finding.incident = IncidentNow(home->second);
  }
  return all;
}

std::string GroupedFindings::IncidentNow(std::string id) const {
  for (auto known = incidents_.find(id); known != incidents_.end() && !known->second.superseded_by.empty();
       known = incidents_.find(id)) {
    id = known->second.superseded_by;
  }
  return id;
}

std::string_view GroupedFindings::StateOf(const detect::Finding& finding) const {
  auto known = incidents_.find(finding.incident);
  return known != incidents_.end() && !known->second.open ? "resolved" : "potential";
}

}  // namespace rankscope::cli
