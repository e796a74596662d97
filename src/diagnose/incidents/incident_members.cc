#include "diagnose/incidents/incident_members.h"

#include <algorithm>
#include <tuple>

namespace rankscope::diagnose {
namespace {

constexpr size_t kLongestTitle = 300, kLongestLine = 4096, kMostEvidence = 5, kMostChannels = 32;
constexpr char kFurtherRules[] = "(further rules)";
constexpr std::string_view kWebhook = "webhook ";

// Never within a character.
std::string CutText(const std::string& text, size_t most_bytes) {
  if (text.size() <= most_bytes) return text;
  size_t end = most_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

std::string TitleOf(const detect::Finding& finding) {
  std::string title = finding.headline.empty() ? finding.message : finding.headline;
  for (std::string_view end : {": …", " …"}) {
    if (title.ends_with(end)) title.resize(title.size() - end.size());
  }
  if (size_t line = title.find('\n'); line != std::string::npos) title.resize(line);
  return title.empty() ? finding.rule : CutText(title, kLongestTitle);
}

std::vector<model::Record> EvidenceOf(const detect::Finding& finding) {
  std::vector<model::Record> evidence = finding.evidence;
  if (evidence.size() > kMostEvidence) evidence.resize(kMostEvidence);
  for (model::Record& record : evidence) {
    record.text = CutText(record.text, kLongestLine);
    for (auto& [name, value] : record.fields) {
      if (auto* text = std::get_if<std::string>(&value)) *text = CutText(*text, kLongestLine);
    }
  }
  return evidence;
}

void Lead(const detect::Finding& finding, const FindingFacts& facts, Incident* incident) {
  incident->finding = finding.id;
  incident->rule = finding.rule;
  incident->incident_class = finding.finding_class;
  incident->role = facts.role;
  incident->title = TitleOf(finding);
  incident->likely = finding.likely;
  incident->action = finding.action;
  incident->evidence = EvidenceOf(finding);
}

void AddChannel(const std::string& channel, Incident* incident) {
  auto& channels = incident->channels;
  auto place = std::lower_bound(channels.begin(), channels.end(), channel);
  bool known = place != channels.end() && *place == channel;
  if (!known && channels.size() < kMostChannels) channels.insert(place, channel);
}

IncidentMember MemberOf(const detect::Finding& finding, const FindingFacts& facts) {
  IncidentMember member;
  member.rule = finding.rule;
  member.finding_class = finding.finding_class;
  member.role = facts.role;
  member.severity = finding.severity;
  member.first_finding = finding.id;
  member.findings = member.active = 1;
  member.ranks = facts.ranks;
  member.nodes = facts.nodes;
  member.step = finding.step;
  member.began = facts.began;
  member.last = facts.told;
  return member;
}

auto MemberOf(Incident* incident, std::string_view rule) {
  return std::find_if(incident->members.begin(), incident->members.end(),
                      [&](const IncidentMember& member) { return member.rule == rule; });
}

void Join(const IncidentMember& more, IncidentMember* member) {
  member->findings += more.findings;
  member->active += more.active;
  member->severity = std::max(member->severity, more.severity);
  member->ranks.Merge(more.ranks);
  member->nodes.Merge(more.nodes);
  if (more.step) member->step = std::min(member->step.value_or(*more.step), *more.step);
  member->began = std::min(member->began, more.began);
  member->last = std::max(member->last, more.last);
}

void AddMember(IncidentMember more, size_t most, Incident* incident) {
  auto member = MemberOf(incident, more.rule);
  if (member == incident->members.end() && incident->members.size() >= most) {
    more.rule = kFurtherRules;
    more.finding_class.clear();
    member = MemberOf(incident, more.rule);
  }
  if (member != incident->members.end()) return Join(more, &*member);
  incident->members.push_back(std::move(more));
  std::stable_sort(incident->members.begin(), incident->members.end(),
                   [](const auto& a, const auto& b) { return std::tie(a.role, a.began) < std::tie(b.role, b.began); });
}

// Of ranks that are silent together the first is so by chance.
void NameNone(Incident* incident) {
  if (incident->incident_class != "heartbeat_lost" || incident->ranks.size() < 2) return;
  incident->title = "ranks " + incident->ranks.ToText() + " are silent, and none is singled out";
}

// What follows from the members: who has the trouble itself, since when, how bad it is.
void Summarize(Incident* incident) {
  std::string_view kind = KindOf(incident->incident_class, incident->rule);
  incident->ranks = incident->nodes = NumberSet();
  for (const IncidentMember& member : incident->members) {
    incident->severity = std::max(incident->severity, member.severity);
    incident->started = std::min(incident->started, member.began);
    if (member.step) incident->step = std::min(incident->step.value_or(*member.step), *member.step);
    if (KindOf(member.finding_class, member.rule) != kind) continue;
    incident->ranks.Merge(member.ranks);
    incident->nodes.Merge(member.nodes);
  }
  NameNone(incident);
}

}  // namespace

void AddFinding(const detect::Finding& finding, const FindingFacts& facts, size_t most_members, Incident* incident) {
  bool first = incident->members.empty();
  if (first) {
    incident->severity = finding.severity;
    incident->started = facts.began;
  }
  if (first || Leads(facts, *incident)) Lead(finding, facts, incident);
  if (finding.action.starts_with(kWebhook)) AddChannel(finding.action.substr(kWebhook.size()), incident);
  AddMember(MemberOf(finding, facts), most_members, incident);
  Summarize(incident);
}

void EndFinding(const detect::Finding& finding, Incident* incident) {
  auto member = MemberOf(incident, finding.rule);
  if (member == incident->members.end()) member = MemberOf(incident, kFurtherRules);
  if (member == incident->members.end()) return;
  member->active = std::max<int64_t>(member->active - 1, 0);
  member->last = std::max(member->last, finding.ended);
}

void AddMembers(const Incident& from, size_t most_members, Incident* incident) {
  for (const std::string& channel : from.channels) AddChannel(channel, incident);
  for (const IncidentMember& member : from.members) AddMember(member, most_members, incident);
  Summarize(incident);
}

bool HasActive(const Incident& incident) {
  return std::any_of(incident.members.begin(), incident.members.end(),
                     [](const IncidentMember& member) { return member.active > 0; });
}

}  // namespace rankscope::diagnose
