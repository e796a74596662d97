#include "api/action_routes.h"

#include <nlohmann/json.hpp>

#include "api/answer.h"
#include "api/signed_note.h"
#include "base/json_text.h"
#include "model/record_json.h"

namespace rankscope::api {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const diagnose::RankOutcome& rank) {
  Json json = {{"rank", rank.rank}, {"outcome", rank.outcome}};
  json["step"] = rank.step ? Json(*rank.step) : Json();
  json["detail"] = rank.detail;
  return json;
}

std::string Line(const diagnose::ActionReport& report) {
  Json json = {{"id", report.id},
               {"job_id", report.request.job},
               {"action", report.request.action.Text()},
               {"by", report.request.by},
               {"note", report.request.note},
               {"finding", report.request.finding},
               {"began", model::FormatTime(report.began)},
               {"state", report.state},
               {"outcome", report.outcome},
               {"summary", report.summary}};
  json["step"] = report.step ? Json(*report.step) : Json();
  json["ranks"] = Json::array();
  for (const diagnose::RankOutcome& rank : report.ranks) json["ranks"].push_back(ToJson(rank));
  return Dump(json);
}

// Takes what is the action's own out of the body; who and why are left.
base::Status TakeAction(Json* body, diagnose::ActionRequest* wanted) {
  if (!body->is_object() || !body->contains("action") || !(*body)["action"].is_string()) {
    return base::Status::Invalid("actions: want {\"action\": NAME, \"by\": WHO, \"note\": WHY, \"hold_s\": SECONDS}");
  }
  ASSIGN_OR_RETURN(wanted->action, model::ParseAction((*body)["action"].get<std::string>()));
  if (body->contains("hold_s")) {
    const Json& hold = (*body)["hold_s"];
    if (!hold.is_number_unsigned() || hold.get<uint64_t>() < 1 || hold.get<uint64_t>() > model::kLongestHoldS) {
      return base::Status::Invalid("hold_s: want seconds, from 1 to " + std::to_string(model::kLongestHoldS));
    }
    wanted->hold_s = hold.get<int64_t>();
  }
  body->erase("action");
  body->erase("hold_s");
  return {};
}

}  // namespace

void ActionRoutes::Begin(const Request& request, const std::shared_ptr<Responder>& reply,
                         const std::string& job) const {
  diagnose::ActionRequest wanted;
  wanted.project = project_;
  wanted.job = job;
  Json body = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (auto status = TakeAction(&body, &wanted); !status.ok()) return Fail(reply, status);
  Request rest = request;
  rest.body = base::JsonText(body);
  auto note = ReadSignedNote(rest, "actions");
  if (!note.ok()) return Fail(reply, note.status());
  wanted.by = note->by;
  wanted.note = note->note;
  auto report = actions_->Begin(wanted);
  if (!report.ok()) return Fail(reply, report.status());
  reply->Begin(200, "application/json");
  reply->Write(Line(*report));
  reply->End();
}

void ActionRoutes::List(const std::shared_ptr<Responder>& reply, const std::string& job) const {
  reply->Begin(200, "application/x-ndjson");
  for (const diagnose::ActionReport& report : actions_->List(project_, job)) reply->Write(Line(report));
  reply->End();
}

void ActionRoutes::Show(const std::shared_ptr<Responder>& reply, const std::string& id) const {
  auto report = actions_->Find(project_, id);
  if (!report.ok()) return Fail(reply, report.status());
  reply->Begin(200, "application/json");
  reply->Write(Line(*report));
  reply->End();
}

}  // namespace rankscope::api
