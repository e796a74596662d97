#include "api/incident_routes.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/answer.h"
#include "api/parameters.h"
#include "api/signed_note.h"
#include "base/clock.h"
#include "base/json_text.h"
#include "model/time_text.h"

namespace rankscope::api {
namespace {

using Json = nlohmann::ordered_json;

base::Result<catalog::IncidentFilter> FilterOf(const Request& request) {
  ASSIGN_OR_RETURN(Parameters parameters, Parameters::Of(request));
  catalog::IncidentFilter filter;
  filter.job = parameters.Text("job_id");
  filter.incident_class = parameters.Text("class");
  filter.rule = parameters.Text("rule");
  ASSIGN_OR_RETURN(filter.state,
                   parameters.OneOf("state", {"potential", "confirmed", "dismissed", "resolved", "open"}));
  ASSIGN_OR_RETURN(filter.severity, parameters.OneOf("severity", {"INFO", "WARNING", "CRITICAL"}));
  if (filter.state == "open") {
    filter.open = true;
    filter.state.clear();
  }
  ASSIGN_OR_RETURN(auto limit, parameters.Integer("limit"));
  filter.limit = limit.value_or(-1);
  return filter;
}

bool WantsEvents(const Request& request) {
  auto accept = request.headers.find("accept");
  return accept != request.headers.end() && accept->second.find("text/event-stream") != std::string::npos;
}

void AnswerJson(const std::shared_ptr<Responder>& reply, const std::string& json) {
  reply->Begin(200, "application/json");
  reply->Write(json + "\n");
  reply->End();
}

// "for", of the body or, as it was once, of the URL: until when that is. 0: it is not said.
base::Result<base::TimeNs> UntilOf(const Request& request, const SignedNote& note) {
  std::string lasting = note.others.at("for");
  if (auto of_url = request.query.find("for"); lasting.empty() && of_url != request.query.end()) {
    lasting = of_url->second;
  }
  if (lasting.empty()) return 0;
  auto duration = model::ParseDuration(lasting);
  base::TimeNs now = base::WallNow();
  if (!duration || *duration <= 0) {
    return base::Status::Invalid("incident: \"for\" is a duration, as \"2h\", not \"" + lasting + "\"");
  }
  return now + std::min(*duration, INT64_MAX - now);
}

base::Result<IncidentNote> NoteOf(const Request& request, IncidentAct act) {
  ASSIGN_OR_RETURN(SignedNote note, ReadSignedNote(request, "incident", {"for"}));
  ASSIGN_OR_RETURN(base::TimeNs until, UntilOf(request, note));
  if (until != 0 && act != IncidentAct::kAcknowledge) {
    return base::Status::Invalid("incident: \"for\": only an acknowledgement is for a time");
  }
  return IncidentNote{act, note.by, note.note, until};
}

}  // namespace

void IncidentRoutes::List(const Request& request, const std::shared_ptr<Responder>& reply) {
  auto filter = FilterOf(request);
  if (!filter.ok()) return Fail(reply, filter.status());
  if (WantsEvents(request)) return tail_.Serve(*filter, reply);
  auto rows = incidents_->List(*filter);
  if (!rows.ok()) return Fail(reply, rows.status());
  reply->Begin(200, "application/x-ndjson");
  for (const catalog::IncidentRow& row : *rows) reply->Write(row.json + "\n");
  reply->End();
}

void IncidentRoutes::Get(const std::shared_ptr<Responder>& reply, const std::string& id) const {
  auto row = incidents_->Get(id);
  if (!row.ok()) return Fail(reply, row.status());
  auto around = incidents_->EvidenceOf(id);
  if (!around.ok()) return Fail(reply, around.status());
  Json json = Json::parse(row->json, nullptr, /*allow_exceptions=*/false);
  json["around"] = around->empty() ? Json() : Json::parse(*around, nullptr, /*allow_exceptions=*/false);
  AnswerJson(reply, base::JsonText(json));
}

void IncidentRoutes::Say(const Request& request, const std::shared_ptr<Responder>& reply, const std::string& id,
                         IncidentAct act) const {
  auto note = NoteOf(request, act);
  if (!note.ok()) return Fail(reply, note.status());
  auto json = control_->Say(id, *note);
  if (!json.ok()) return Fail(reply, json.status());
  AnswerJson(reply, *json);
}

void IncidentRoutes::Stats(const std::shared_ptr<Responder>& reply) const {
  auto stats = incidents_->Stats();
  if (!stats.ok()) return Fail(reply, stats.status());
  reply->Begin(200, "application/x-ndjson");
  for (const catalog::RuleStats& rule : *stats) {
    Json json = {{"rule", rule.rule},           {"fired", rule.fired},         {"confirmed", rule.confirmed},
                 {"dismissed", rule.dismissed}, {"incidents", rule.incidents}, {"rank_hours", rule.rank_hours}};
    reply->Write(Dump(json));
  }
  reply->End();
}

}  // namespace rankscope::api
