#include "diagnose/incidents/grouping.h"

#include <algorithm>
#include <charconv>

namespace rankscope::diagnose {
namespace {

constexpr std::string_view kRanFor = "ran for ";  // "ran for 600029 milliseconds before timing out"
constexpr int64_t kLongestWait = 3600 * base::kNsPerSecond;

// How long the collective of which the text speaks had waited, 0 if it speaks of none.
int64_t WaitOf(std::string_view text) {
  size_t at = text.find(kRanFor);
  if (at == std::string_view::npos) return 0;
  text.remove_prefix(at + kRanFor.size());
  int64_t ms = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (error != std::errc() || ms < 0 || !text.starts_with(" milliseconds before timing out")) return 0;
  return std::min(ms, kLongestWait / base::kNsPerMs) * base::kNsPerMs;
}

base::TimeNs BeganAt(const detect::Finding& finding) {
  base::TimeNs began = finding.time;
  for (const model::Record& record : finding.evidence) began = std::min(began, record.time - WaitOf(record.text));
  return began;
}

bool IsAlarm(detect::Severity severity) { return severity != detect::Severity::kInfo; }

// Somebody who names no rank speaks of its nodes, who names none of both speaks of the job.
bool Meet(const FindingFacts& facts, const IncidentMember& member) {
  if (!facts.ranks.empty() && !member.ranks.empty()) return facts.ranks.Overlaps(member.ranks);
  if (!facts.nodes.empty() && !member.nodes.empty()) return facts.nodes.Overlaps(member.nodes);
  return true;
}

bool OverlapInTime(const FindingFacts& facts, const IncidentMember& member) {
  if (facts.told < member.began - kIncidentWindow) return false;
  bool goes_on = member.active > 0 && IsAlarm(member.severity);
  return goes_on || facts.began <= member.last + kIncidentWindow;
}

Family MemberFamily(const IncidentMember& member) { return FamilyOf(member.finding_class, member.rule); }

bool IsOf(const IncidentMember& member, std::string_view kind) {
  return KindOf(member.finding_class, member.rule) == kind;
}

bool Causes(const IncidentMember& member, const FindingFacts& facts) {
  return MayCause(MemberFamily(member), facts.family) && (Spreads(facts.family) || Meet(facts, member));
}

bool Causes(const FindingFacts& facts, const IncidentMember& member) {
  return MayCause(facts.family, MemberFamily(member)) && (Spreads(MemberFamily(member)) || Meet(facts, member));
}

// A dismissed incident takes more of what was dismissed, but nothing worse.
bool IsOpenTo(const Incident& incident, const FindingFacts& facts, Relation relation) {
  if (!incident.superseded_by.empty()) return false;
  if (incident.decision.state != IncidentState::kDismissed) return true;
  return relation != Relation::kExplains && facts.severity <= incident.severity;
}

// A rule of one's own may look for the words of a shipped one. Numbers are another matter: many rules look at a record
// of metrics, each for a reason of its own.
bool IsLine(const model::Record& record) { return !record.text.empty() && record.fields.empty(); }

bool AreOne(const model::Record& a, const model::Record& b) {
  return a.time == b.time && a.seq == b.seq && a.stream == b.stream && a.origin.rank == b.origin.rank &&
         a.origin.node_rank == b.origin.node_rank;
}

bool SpeakOfOneLine(const FindingFacts& facts, const Incident& incident) {
  return std::any_of(facts.evidence->begin(), facts.evidence->end(), [&](const model::Record& line) {
    auto same = [&](const model::Record& other) { return IsLine(other) && AreOne(line, other); };
    return IsLine(line) && std::any_of(incident.evidence.begin(), incident.evidence.end(), same);
  });
}

Relation RelationIn(const FindingFacts& facts, const Incident& incident) {
  if (SpeakOfOneLine(facts, incident)) return Relation::kSame;
  Relation relation = Relation::kNone;
  std::string_view leader = KindOf(incident.incident_class, incident.rule);
  for (const IncidentMember& member : incident.members) {
    if (!OverlapInTime(facts, member)) continue;
    if (IsOf(member, facts.kind)) return Relation::kSame;
    if (IsOf(member, leader) && Causes(facts, member) && Leads(facts, incident)) relation = Relation::kExplains;
    if (relation == Relation::kNone && Causes(member, facts)) relation = Relation::kFollows;
  }
  return relation;
}

}  // namespace

FindingFacts FactsOf(const detect::Finding& finding) {
  FindingFacts facts;
  facts.family = FamilyOf(finding.finding_class, finding.rule);
  facts.kind = KindOf(finding.finding_class, finding.rule);
  facts.role = RoleOf(finding);
  facts.severity = finding.severity;
  if (finding.scope.rank) facts.ranks.Insert(*finding.scope.rank);
  if (finding.scope.node_rank) facts.nodes.Insert(*finding.scope.node_rank);
  facts.began = BeganAt(finding);
  facts.told = finding.time;
  facts.evidence = &finding.evidence;
  return facts;
}

Relation RelationOf(const FindingFacts& facts, const Incident& incident) {
  Relation relation = RelationIn(facts, incident);
  return IsOpenTo(incident, facts, relation) ? relation : Relation::kNone;
}

bool Leads(const FindingFacts& facts, const Incident& incident) {
  if (KindOf(incident.incident_class, incident.rule) == facts.kind) return false;
  auto leader = std::find_if(incident.members.begin(), incident.members.end(),
                             [&](const IncidentMember& member) { return member.rule == incident.rule; });
  if (leader == incident.members.end()) return false;
  if (IsAlarm(facts.severity) != IsAlarm(leader->severity)) return IsAlarm(facts.severity);
  if (facts.role != incident.role) return facts.role < incident.role;
  Family family = MemberFamily(*leader);
  bool causes = MayCause(facts.family, family), caused = MayCause(family, facts.family);
  return causes != caused ? causes : facts.began < leader->began;
}

}  // namespace rankscope::diagnose
