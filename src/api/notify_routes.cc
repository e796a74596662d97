#include "api/notify_routes.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/answer.h"
#include "api/parameters.h"
#include "api/server_metrics.h"
#include "api/signed_note.h"
#include "base/nearest.h"
#include "model/record_json.h"
#include "model/time_text.h"
#include "notify/test_message.h"

namespace rankscope::api {
namespace {

using Json = nlohmann::ordered_json;
using Reply = std::shared_ptr<Responder>;

constexpr int64_t kUsualLimit = 1000;

Json TimeOrNull(base::TimeNs time) { return time == 0 ? Json() : Json(model::FormatTime(time)); }

std::string_view NameOf(notify::DeliveryState state) {
  switch (state) {
    case notify::DeliveryState::kPending:
      return "pending";
    case notify::DeliveryState::kDelivered:
      return "delivered";
    case notify::DeliveryState::kRefused:
      return "refused";
    case notify::DeliveryState::kExpired:
      break;
  }
  return "expired";
}

Json ToJson(const notify::Telling& telling) {
  return {{"timestamp", model::FormatTime(telling.at)},
          {"channel", telling.channel},
          {"incident", telling.incident},
          {"version", telling.version},
          {"kind", notify::NameOf(telling.kind)},
          {"job_id", telling.job},
          {"title", telling.title},
          {"repeated", telling.round},
          {"delivery", telling.delivery},
          {"state", NameOf(telling.state)},
          {"ended", TimeOrNull(telling.ended)},
          {"answer", telling.why}};
}

Json ToJson(const notify::ChannelStatus& status) {
  return {{"channel", status.channel},
          {"kind", status.kind},
          {"waiting", status.waiting},
          {"last_delivered", TimeOrNull(status.delivered)},
          {"latency_s", static_cast<double>(status.latency_ns) / 1e9},
          {"failing_since", TimeOrNull(status.failing_since)},
          {"last_refused", TimeOrNull(status.refused)},
          {"error", status.error},
          {"delivered", status.arrived},
          {"given_up", status.given_up}};
}

Json ToJson(const notify::Silence& silence) {
  return {{"id", silence.id},
          {"matchers", silence.matchers},
          {"starts", model::FormatTime(silence.starts)},
          {"ends", model::FormatTime(silence.ends)},
          {"by", silence.by},
          {"note", silence.reason}};
}

template <typename List>
void AnswerLines(const Reply& reply, const List& list) {
  reply->Begin(200, "application/x-ndjson");
  for (const auto& each : list) reply->Write(Dump(ToJson(each)));
  reply->End();
}

void AnswerOne(const Reply& reply, const Json& json) {
  reply->Begin(200, "application/json");
  reply->Write(Dump(json));
  reply->End();
}

base::Result<notify::TellingFilter> FilterOf(const Request& request) {
  ASSIGN_OR_RETURN(Parameters parameters, Parameters::Of(request));
  ASSIGN_OR_RETURN(auto limit, parameters.Integer("limit"));
  notify::TellingFilter filter;
  filter.channel = parameters.Text("channel");
  filter.job = parameters.Text("job_id");
  filter.incident = parameters.Text("incident");
  filter.limit = limit.value_or(kUsualLimit);
  return filter;
}

// The body's members are these and no others, each of the type; the first may not be missing.
base::Result<Json> ReadBody(const Request& request, std::initializer_list<std::string_view> names, const char* want) {
  Json body = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  bool known = body.is_object() && std::all_of(body.items().begin(), body.items().end(), [&](const auto& item) {
                 bool list = item.key() == "matchers";
                 return std::find(names.begin(), names.end(), item.key()) != names.end() &&
                        (list ? item.value().is_array() : item.value().is_string());
               });
  if (!known || !body.contains(*names.begin())) return base::Status::Invalid(want);
  return body;
}

base::Result<notify::Silence> ReadSilence(const Request& request) {
  constexpr const char* kWant = "silence: want {\"matchers\": [TEXT], \"for\": DURATION, \"note\": WHY, \"by\": WHO}";
  ASSIGN_OR_RETURN(Json body, ReadBody(request, {"matchers", "for", "note", "by"}, kWant));
  notify::Silence silence;
  for (const Json& matcher : body["matchers"]) {
    if (!matcher.is_string()) return base::Status::Invalid(kWant);
    silence.matchers.push_back(matcher.get<std::string>());
  }
  auto lasts = model::ParseDuration(body.value("for", ""));
  if (!lasts || *lasts <= 0) return base::Status::Invalid("silence: \"for\" is a duration, as \"2h\"");
  silence.starts = base::WallNow();
  silence.ends = silence.starts + std::min(*lasts, INT64_MAX - silence.starts);
  silence.by = SignedBy(request, body.value("by", ""));
  silence.reason = body.value("note", "");
  return silence;
}

base::Status NoSuchChannel(const std::string& name, const notify::Config& config) {
  std::vector<std::string_view> names;
  for (const notify::Channel& channel : config.channels) names.push_back(channel.name);
  return base::Status::NotFound("no channel \"" + name + "\"" + base::Nearest(name, names));
}

}  // namespace

base::Result<notify::LiveNotifier::Use> NotifyRoutes::Get() const {
  if (!notifier_) {
    return base::Status::NotFound("this server tells nobody: it was started without --notify (docs/notifications.md)");
  }
  auto notifier = notifier_->Get();
  if (!notifier)
    return base::Status::Unavailable("the delivery log could not be opened again; see the server's errors");
  return notifier;
}

void NotifyRoutes::Tellings(const Request& request, const Reply& reply) const {
  auto serve = [&]() -> base::Result<std::vector<notify::Telling>> {
    ASSIGN_OR_RETURN(notify::TellingFilter filter, FilterOf(request));
    filter.project = project_;
    ASSIGN_OR_RETURN(auto notifier, Get());
    return notifier->Tellings(filter);
  };
  auto tellings = serve();
  if (!tellings.ok()) return Fail(reply, tellings.status());
  AnswerLines(reply, *tellings);
}

void NotifyRoutes::Channels(const Reply& reply) const {
  auto notifier = Get();
  if (!notifier.ok()) return Fail(reply, notifier.status());
  AnswerLines(reply, (*notifier)->Channels());
}

void NotifyRoutes::Test(const Request& request, const Reply& reply) const {
  auto find = [&]() -> base::Result<std::pair<std::shared_ptr<const notify::Config>, const notify::Channel*>> {
    ASSIGN_OR_RETURN(Json body, ReadBody(request, {"channel"}, "test: want {\"channel\": NAME}"));
    ASSIGN_OR_RETURN(auto notifier, Get());
    std::string name = body["channel"].get<std::string>();
    const notify::Channel* channel = notifier.config()->Find(name);
    if (!channel) return NoSuchChannel(name, *notifier.config());
    return std::pair(notifier.config(), channel);
  };
  auto found = find();  // and lets the notifier go: the other end may take its time
  if (!found.ok()) return Fail(reply, found.status());
  const auto& [config, channel] = *found;
  Json answer = {{"channel", channel->name}, {"kind", channel->kind->name}, {"delivered", true}};
  for (const notify::Verdict& verdict : notify::SendTest(*config, *channel)) {
    if (verdict.outcome != notify::Verdict::Outcome::kDelivered) answer["delivered"] = false;
    answer["answer"] = verdict.why;
  }
  AnswerOne(reply, answer);
}

void NotifyRoutes::ListSilences(const Reply& reply) const {
  auto notifier = Get();
  if (!notifier.ok()) return Fail(reply, notifier.status());
  auto silences = (*notifier)->SilencesNow();
  std::erase_if(silences, [&](const notify::Silence& silence) { return silence.project != project_; });
  AnswerLines(reply, silences);
}

void NotifyRoutes::AddSilence(const Request& request, const Reply& reply) const {
  auto add = [&]() -> base::Result<notify::Silence> {
    ASSIGN_OR_RETURN(notify::Silence silence, ReadSilence(request));
    silence.project = project_;
    ASSIGN_OR_RETURN(auto notifier, Get());
    ASSIGN_OR_RETURN(silence.id, notifier->Silence(silence));
    return silence;
  };
  auto silence = add();
  if (!silence.ok()) return Fail(reply, silence.status());
  AnswerOne(reply, ToJson(*silence));
}

void NotifyRoutes::EndSilence(const Reply& reply, const std::string& id) const {
  auto end = [&]() -> base::Status {
    ASSIGN_OR_RETURN(auto notifier, Get());
    auto silences = notifier->SilencesNow();
    bool known = std::any_of(silences.begin(), silences.end(), [&](const notify::Silence& silence) {
      return silence.id == id && silence.project == project_;
    });
    if (!known) return base::Status::NotFound("no silence \"" + id + "\"");
    return notifier->EndSilence(id);
  };
  if (auto status = end(); !status.ok()) return Fail(reply, status);
  AnswerOne(reply, {{"ended", id}});
}

std::string NotifyRoutes::MetricsText() const {
  auto notifier = Get();
  if (!notifier.ok()) return "";
  std::string out;
  auto add = [&](const char* name, const char* type, const char* help, auto value_of) {
    AppendMetricHead(name, type, help, &out);
    for (const notify::ChannelStatus& status : (*notifier)->Channels()) {
      AppendMetric(std::string(name) + "{channel=\"" + status.channel + "\"}", static_cast<double>(value_of(status)),
                   &out);
    }
  };
  using Status = notify::ChannelStatus;
  add("rankscope_notifications_delivered_total", "counter", "Messages that a channel took.",
      [](const Status& status) { return status.arrived; });
  add("rankscope_notifications_given_up_total", "counter", "Messages that a channel refused, or did not take in a day.",
      [](const Status& status) { return status.given_up; });
  add("rankscope_notifications_waiting", "gauge", "Messages that have not arrived yet.",
      [](const Status& status) { return status.waiting; });
  add("rankscope_notification_channel_failing", "gauge", "1 while attempts fail.",
      [](const Status& status) { return status.failing_since != 0; });
  return out;
}

}  // namespace rankscope::api
