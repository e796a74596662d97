#include "api/finding_routes.h"

#include <nlohmann/json.hpp>

#include "api/answer.h"
#include "api/parameters.h"
#include "api/signed_note.h"
#include "model/record_json.h"

namespace rankscope::api {
namespace {

using Json = nlohmann::ordered_json;

// What is known now, in the form in which detection wrote it.
std::string Line(const catalog::FindingRow& row) {
  Json json = Json::parse(row.json, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) json = {{"id", row.id}, {"job_id", row.job}, {"rule", row.rule}};
  const catalog::Decision& decision = row.decision;
  json["active"] = row.active;
  json["state"] = row.state;
  if (!row.incident.empty()) json["incident_id"] = row.incident;
  if (decision.at != 0) {
    json["decision"] = {{"by", decision.by}, {"note", decision.note}, {"at", model::FormatTime(decision.at)}};
  }
  return Dump(json);
}

base::Result<catalog::FindingFilter> FilterOf(const Request& request) {
  ASSIGN_OR_RETURN(Parameters parameters, Parameters::Of(request));
  catalog::FindingFilter filter;
  filter.job = parameters.Text("job_id");
  filter.rule = parameters.Text("rule");
  filter.finding_class = parameters.Text("class");
  filter.incident = parameters.Text("incident_id");
  ASSIGN_OR_RETURN(filter.state, parameters.OneOf("state", {"potential", "confirmed", "dismissed", "resolved"}));
  ASSIGN_OR_RETURN(filter.severity, parameters.OneOf("severity", {"INFO", "WARNING", "CRITICAL"}));
  ASSIGN_OR_RETURN(auto limit, parameters.Integer("limit"));
  filter.limit = limit.value_or(-1);
  return filter;
}

}  // namespace

void FindingRoutes::List(const Request& request, const std::shared_ptr<Responder>& reply) const {
  auto filter = FilterOf(request);
  if (!filter.ok()) return Fail(reply, filter.status());
  auto rows = findings_->List(*filter);
  if (!rows.ok()) return Fail(reply, rows.status());
  reply->Begin(200, "application/x-ndjson");
  for (const catalog::FindingRow& row : *rows) reply->Write(Line(row));
  reply->End();
}

void FindingRoutes::Decide(const Request& request, const std::shared_ptr<Responder>& reply, const std::string& id,
                           const std::string& state) const {
  auto note = ReadSignedNote(request, "finding");
  if (!note.ok()) return Fail(reply, note.status());
  auto row = control_->Decide(id, {state, note->by, note->note, base::WallNow()});
  if (!row.ok()) return Fail(reply, row.status());
  reply->Begin(200, "application/json");
  reply->Write(Line(*row));
  reply->End();
}

}  // namespace rankscope::api
