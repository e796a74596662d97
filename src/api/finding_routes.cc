#include "api/finding_routes.h"

#include <algorithm>
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
  json["state"] = decision.state;
  if (decision.at != 0) {
    json["decision"] = {{"by", decision.by}, {"note", decision.note}, {"at", model::FormatTime(decision.at)}};
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

base::Status CheckOneOf(const std::string& name, const std::string& value, std::initializer_list<const char*> known) {
  bool ok = value.empty() || std::any_of(known.begin(), known.end(), [&](const char* one) { return value == one; });
  if (ok) return {};
  std::string list;
  for (const char* one : known) list += (list.empty() ? "" : ", ") + std::string(one);
  return base::Status::Invalid("parameter " + name + ": expected one of " + list + ", found \"" + value + "\"");
}

base::Result<catalog::FindingFilter> FilterOf(const Request& request) {
  ASSIGN_OR_RETURN(Parameters parameters, Parameters::Of(request));
  catalog::FindingFilter filter;
  filter.job = parameters.Text("job_id");
  filter.state = parameters.Text("state");
  filter.rule = parameters.Text("rule");
  filter.finding_class = parameters.Text("class");
  filter.severity = parameters.Text("severity");
  std::transform(filter.severity.begin(), filter.severity.end(), filter.severity.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  RETURN_IF_ERROR(CheckOneOf("state", filter.state, {"potential", "confirmed", "dismissed"}));
  RETURN_IF_ERROR(CheckOneOf("severity", filter.severity, {"INFO", "WARNING", "CRITICAL"}));
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
  auto row = findings_->Decide(id, {state, note->by, note->note, base::WallNow()});
  if (!row.ok()) return Fail(reply, row.status());
  reply->Begin(200, "application/json");
  reply->Write(Line(*row));
  reply->End();
}

}  // namespace rankscope::api
