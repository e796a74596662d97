#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "detect/finding.h"
#include "detect/findings_list.h"
#include "diagnose/incidents/incident_book.h"

namespace rankscope::cli {

// Findings in the order in which they began, each in the state told last, with the incidents that a server makes of
// the same findings. Memory grows with them.
class GroupedFindings {
 public:
  GroupedFindings();

  // As an engine tells them: that they have begun, or are over.
  void Take(const detect::Finding& finding);
  // REQUIRES no further Take: each with its incident.
  std::vector<detect::Finding> All() const;
  // What a server says of the finding while nobody has decided: potential, or resolved with its incident.
  std::string_view StateOf(const detect::Finding& finding) const;

 private:
  struct Fate {
    bool open = true;
    std::string superseded_by;
  };
  std::string IncidentNow(std::string id) const;

  std::map<std::string, Fate> incidents_;     // by id
  std::map<std::string, std::string> homes_;  // of findings: the incident that each joined
  detect::FindingsList findings_;
  diagnose::IncidentBook book_;
};

}  // namespace rankscope::cli
