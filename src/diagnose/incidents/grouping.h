#pragma once

#include "detect/finding.h"
#include "diagnose/incidents/cause_chain.h"
#include "diagnose/incidents/incident.h"

namespace rankscope::diagnose {

// Trouble of the same kind within it is the same trouble; what it may have caused within it, it has caused.
constexpr int64_t kIncidentWindow = 600 * base::kNsPerSecond;

// What of a finding decides where it belongs.
struct FindingFacts {
  Family family = Family::kOther;
  std::string_view kind;  // of the finding's texts
  ChainRole role = ChainRole::kSymptom;
  detect::Severity severity = detect::Severity::kWarning;
  NumberSet ranks, nodes;
  base::TimeNs began = 0;  // of a collective that timed out: when it was entered
  base::TimeNs told = 0;
  const std::vector<model::Record>* evidence = nullptr;
};
// The finding must outlive them.
FindingFacts FactsOf(const detect::Finding& finding);

// What a finding that has begun is to an incident of its job.
enum class Relation : uint8_t {
  kNone,
  kSame,     // the same trouble, further ranks, or the same line, of which another rule speaks
  kFollows,  // something in it may have caused it
  kExplains  // it may have caused what leads the incident
};
Relation RelationOf(const FindingFacts& facts, const Incident& incident);

// Whether the finding is to give the incident, of which it is a member, class and title: alarms before notes, causes
// before symptoms before cascades, causes before their effects, the earlier one.
bool Leads(const FindingFacts& facts, const Incident& incident);

}  // namespace rankscope::diagnose
