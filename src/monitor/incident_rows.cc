#include "monitor/incident_rows.h"

#include <algorithm>

#include "model/event.h"

namespace rankscope::monitor {
namespace {

// "worsened", "was confirmed by ann", "was superseded by i-2".
std::string WhatHappened(const diagnose::Incident& incident) {
  using diagnose::Change;
  std::string name(NameOf(incident.change));
  std::replace(name.begin(), name.end(), '_', ' ');
  if (incident.change == Change::kSuperseded) return "was superseded by " + incident.superseded_by;
  if (incident.change == Change::kAcknowledgementEnded) return "is not acknowledged any more";
  if (incident.change == Change::kCauseFound) return "has a cause";
  if (incident.changed_by.empty()) return name;
  return "was " + name + " by " + incident.changed_by;
}

std::string TextOf(const diagnose::Incident& incident) {
  std::string text = "incident " + incident.id + " " + WhatHappened(incident) + ": ";
  if (!incident.change_note.empty()) return text + incident.change_note;
  return text + incident.title + " (" + WhereOf(incident) + ")";
}

std::string LevelOf(const diagnose::Incident& incident) {
  if (!incident.open() || incident.severity == detect::Severity::kInfo) return "info";
  return incident.severity == detect::Severity::kWarning ? "warning" : "critical";
}

}  // namespace

catalog::IncidentRow RowOf(const diagnose::Incident& incident) {
  catalog::IncidentRow row;
  row.id = incident.id;
  row.job = incident.job;
  row.state = NameOf(incident.state);
  row.decision = NameOf(incident.decision.state);
  row.severity = detect::SeverityName(incident.severity);
  row.rule = incident.rule;
  row.incident_class = incident.incident_class;
  row.superseded_by = incident.superseded_by;
  row.started = incident.started;
  if (incident.acknowledgement) row.acknowledged_until = incident.acknowledgement->until;
  row.rank_hours = incident.cost.rank_hours;
  AppendJson(incident, &row.json);
  return row;
}

model::Record EventOf(const diagnose::Incident& incident) {
  model::Record event = model::MakeEvent("incident", incident.changed, TextOf(incident));
  event.origin.project = incident.project;
  event.origin.job = incident.job;
  event.origin.attempt = incident.attempt;
  if (incident.rank_count() == 1) event.origin.rank = incident.ranks.Numbers().front();
  if (incident.nodes.size() == 1) event.origin.node_rank = incident.nodes.Numbers().front();
  event.step = incident.step;
  event.level = LevelOf(incident);
  auto add = [&](const char* name, std::string_view value) {
    if (!value.empty()) event.fields.emplace_back(name, std::string(value));
  };
  add("incident_id", incident.id);
  event.fields.emplace_back("version", static_cast<int64_t>(incident.version));
  add("change", NameOf(incident.change));
  add("state", NameOf(incident.state));
  add("severity", detect::SeverityName(incident.severity));
  add("class", incident.incident_class);
  add("rule", incident.rule);
  add("finding_id", incident.finding);
  add("ranks", incident.ranks.ToText());
  add("nodes", incident.nodes.ToText());
  add("by", incident.changed_by);
  add("note", incident.change_note);
  add("superseded_by", incident.superseded_by);
  return event;
}

}  // namespace rankscope::monitor
