#include "monitor/incident_update.h"

#include <cstdio>

#include "monitor/page_link.h"

namespace rankscope::monitor {
namespace {

using diagnose::Incident;
using diagnose::IncidentState;

constexpr size_t kMostOthers = 3;

notify::Kind KindOf(const Incident& incident) {
  if (!incident.superseded_by.empty()) return notify::Kind::kSuperseded;
  if (!incident.open()) return notify::Kind::kResolved;
  bool taken = incident.change == diagnose::Change::kAcknowledged && incident.acknowledgement;
  return taken ? notify::Kind::kAcknowledged : notify::Kind::kFiring;
}

notify::Severity SeverityOf(detect::Severity severity) {
  switch (severity) {
    case detect::Severity::kCritical:
      return notify::Severity::kCritical;
    case detect::Severity::kWarning:
      return notify::Severity::kWarning;
    case detect::Severity::kInfo:
      break;
  }
  return notify::Severity::kInfo;
}

notify::Acknowledgement Of(const diagnose::Acknowledgement& held) {
  return {held.by, held.note, held.until, SeverityOf(held.severity), held.rank_count, held.nodes.Numbers()};
}

// "rank 3: CUDA out of memory": the first line that is one.
std::string EvidenceOf(const Incident& incident) {
  for (const model::Record& record : incident.evidence) {
    if (record.text.empty()) continue;
    std::string who = record.origin.rank ? "rank " + std::to_string(*record.origin.rank) + ": " : "";
    return who + record.text.substr(0, record.text.find('\n'));
  }
  return "";
}

std::string Rounded(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", number);
  return text;
}

// "Also NcclTimeout, a cascade: 8 findings": the rules that the incident has beside its leading one.
void AddOthers(const Incident& incident, std::vector<std::string>* text) {
  size_t others = 0;
  for (const diagnose::IncidentMember& member : incident.members) {
    if (member.rule == incident.rule || ++others > kMostOthers) continue;
    text->push_back("Also " + member.rule + ", a " + std::string(NameOf(member.role)) + ": " +
                    std::to_string(member.findings) + (member.findings == 1 ? " finding" : " findings"));
  }
  if (others > kMostOthers) text->push_back("Also " + std::to_string(others - kMostOthers) + " more rules");
}

std::vector<std::string> TextOf(const Incident& incident) {
  std::vector<std::string> text;
  if (!incident.likely.empty()) {
    const detect::Cause& cause = incident.likely.front();
    text.push_back("Likely: " + cause.cause + (cause.why.empty() ? "" : ": " + cause.why));
  }
  AddOthers(incident, &text);
  const diagnose::IncidentDecision& decision = incident.decision;
  if (decision.state != IncidentState::kPotential) {
    text.push_back((decision.state == IncidentState::kConfirmed ? "Confirmed by " : "Dismissed by ") + decision.by +
                   (decision.note.empty() ? "" : ": " + decision.note));
  }
  if (incident.cost.rank_hours > 0) {
    text.push_back("Cost so far: " + Rounded(incident.cost.rank_hours) + " rank-hours" +
                   (incident.cost.money ? ", " + Rounded(*incident.cost.money) + " in money" : ""));
  }
  return text;
}

}  // namespace

notify::Update UpdateOf(const Incident& incident, const std::string& external_url) {
  notify::Update update;
  update.incident = incident.id;
  update.version = incident.version;
  update.kind = KindOf(incident);
  update.subject = incident.project + "/" + incident.job + "/" + incident.rule;
  update.project = incident.project;
  update.job = incident.job;
  update.severity = SeverityOf(incident.severity);
  update.incident_class = incident.incident_class;
  update.labels = {{"alertname", incident.rule}, {"role", std::string(NameOf(incident.role))}};
  update.ranks = incident.ranks.ToText();
  update.rank_count = incident.rank_count();
  update.world_size = incident.world_size;
  update.nodes = incident.nodes.Numbers();
  update.step = incident.step;
  update.started = incident.started;
  if (!incident.open()) update.ended = incident.ended != 0 ? incident.ended : incident.changed;
  update.title = incident.title;
  update.text = TextOf(incident);
  update.evidence = EvidenceOf(incident);
  if (!incident.likely.empty()) update.probability = incident.likely.front().probability;
  update.link = PageLink(external_url, "incidents", incident.id, incident.project);
  update.superseded_by = incident.superseded_by;
  update.also_to = incident.channels;
  if (incident.acknowledgement) update.acknowledgement = Of(*incident.acknowledgement);
  return update;
}

}  // namespace rankscope::monitor
