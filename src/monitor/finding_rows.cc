#include "monitor/finding_rows.h"

#include <nlohmann/json.hpp>

#include "model/event.h"
#include "model/record_batch.h"
#include "model/time_text.h"
#include "parse/json_record.h"

namespace rankscope::monitor {
namespace {

using Json = nlohmann::ordered_json;

template <typename Number>
std::optional<Number> NumberIn(const Json& json, const char* name) {
  auto found = json.find(name);
  if (found == json.end()) return std::nullopt;
  if (found->is_number()) return found->get<Number>();
  if (!found->is_string()) return std::nullopt;                                         // null: not known
  return static_cast<Number>(std::strtod(found->get<std::string>().c_str(), nullptr));  // "NaN", "Infinity"
}

base::Status ReadEvidence(const Json& evidence, detect::Finding* finding) {
  std::vector<std::string> lines;
  for (const Json& record : evidence) lines.push_back(record.dump());
  ASSIGN_OR_RETURN(finding->evidence, parse::RecordsFromJson(std::move(lines)));
  return {};
}

std::string LevelOf(detect::Severity severity) {
  if (severity == detect::Severity::kInfo) return "info";
  return severity == detect::Severity::kWarning ? "warning" : "critical";
}

}  // namespace

catalog::FindingRow RowOf(const detect::Finding& finding) {
  catalog::FindingRow row;
  row.id = finding.id;
  row.job = finding.job;
  row.rule = finding.rule;
  row.finding_class = finding.finding_class;
  row.severity = detect::SeverityName(finding.severity);
  row.attempt = finding.attempt;
  row.node_rank = finding.scope.node_rank;
  row.rank = finding.scope.rank;
  row.active = finding.active;
  row.began = finding.time;
  row.incident = finding.incident;
  detect::AppendJson(finding, &row.json);
  return row;
}

std::optional<catalog::WantedAction> WantedBy(const detect::Finding& finding) {
  if (!finding.active || finding.action.empty() || finding.action == "notify_only") return std::nullopt;
  return catalog::WantedAction{finding.job,  finding.action,   finding.id,
                               finding.rule, finding.incident, finding.scope.rank};
}

base::Result<detect::Finding> FindingOf(const catalog::FindingRow& row) {
  Json json = Json::parse(row.json, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return base::Status::Corrupt("finding " + row.id + ": its row holds no JSON object");
  detect::Finding finding;
  finding.id = row.id;
  finding.rule = row.rule;
  finding.finding_class = row.finding_class;
  finding.severity = detect::ParseSeverity(row.severity).value_or(detect::Severity::kWarning);
  finding.role = json.value("role", "");
  finding.action = json.value("action", "");
  finding.job = row.job;
  finding.attempt = row.attempt;
  finding.scope = {row.node_rank, row.rank};
  finding.active = row.active;
  finding.time = row.began;
  finding.step = NumberIn<int64_t>(json, "step");
  finding.value = NumberIn<double>(json, "value");
  finding.threshold = NumberIn<double>(json, "threshold");
  finding.message = json.value("message", "");
  for (const Json& cause : json.value("likely", Json::array())) {
    finding.likely.push_back(
        {cause.value("cause", ""), NumberIn<double>(cause, "probability").value_or(0), cause.value("why", "")});
  }
  RETURN_IF_ERROR(ReadEvidence(json.value("evidence", Json::array()), &finding));
  return finding;
}

// Its text quotes no line: that stands in the same stream, and who searches for its words is to find it once.
model::Record EventOf(const std::string& project, const detect::Finding& finding) {
  std::string headline = finding.headline.empty() ? finding.rule : finding.rule + ": " + finding.headline;
  std::string text = (finding.active ? "" : "over: ") + headline;
  model::Record event = model::MakeEvent("finding", finding.active ? finding.time : finding.ended, std::move(text));
  event.origin.project = project;
  event.origin.job = finding.job;
  event.origin.attempt = finding.attempt;
  event.origin.node_rank = finding.scope.node_rank;
  event.origin.rank = finding.scope.rank;
  event.step = finding.step;
  event.level = finding.active ? LevelOf(finding.severity) : "info";
  event.fields.emplace_back("finding_id", finding.id);
  event.fields.emplace_back("rule", finding.rule);
  event.fields.emplace_back("class", finding.finding_class);
  event.fields.emplace_back("severity", std::string(detect::SeverityName(finding.severity)));
  event.fields.emplace_back("action", finding.action);
  event.fields.emplace_back("active", int64_t{finding.active ? 1 : 0});
  if (finding.value) event.fields.emplace_back("value", *finding.value);
  if (finding.threshold) event.fields.emplace_back("threshold", *finding.threshold);
  return event;
}

model::Record EventOf(const detect::RefusedRule& rule) {
  model::Record event =
      model::MakeEvent("detector_rule_refused", rule.time, "detector rule " + rule.rule + " refused: " + rule.reason);
  event.origin = rule.origin;
  event.level = "error";
  event.fields.emplace_back("rule", rule.rule);
  event.fields.emplace_back("reason", rule.reason);
  return event;
}

std::string AlertOf(const detect::Finding& finding) {
  std::string alert(detect::SeverityName(finding.severity));
  alert += " " + finding.rule;
  if (finding.scope.rank) {
    alert += " on rank " + std::to_string(*finding.scope.rank);
  } else if (finding.scope.node_rank) {
    alert += " on node " + std::to_string(*finding.scope.node_rank);
  }
  if (finding.step) alert += " at step " + std::to_string(*finding.step);
  return alert + ": " + finding.message + " (finding " + finding.id + ")";
}

}  // namespace rankscope::monitor
