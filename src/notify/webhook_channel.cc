// Alertmanager's webhook, version 4 (prometheus/alertmanager, notify/webhook), with `rankscope` beside its keys and a
// signature of our own: receivers ignore keys that they do not know.
#include <algorithm>

#include "notify/alert_json.h"
#include "notify/channel.h"
#include "notify/message_text.h"
#include "notify/signature.h"

namespace rankscope::notify {
namespace {

constexpr size_t kMostAlerts = 500;

const char* StateOf(const Update& update) { return IsTrouble(update.kind) ? "firing" : "resolved"; }

base::TimeNs EndOf(const Update& update, base::TimeNs at) {
  return IsTrouble(update.kind) ? LapsesAt(update.kind, at) : update.ended;
}

nlohmann::json DetailsOf(const Entry& entry, base::TimeNs at) {
  const Update& update = *entry.update;
  nlohmann::json details = {{"incident", update.incident},
                            {"version", update.version},
                            {"kind", NameOf(update.kind)},
                            {"ranks", update.ranks},
                            {"evidence", nlohmann::json::array()}};
  if (update.rank_count > 0) details["rank_count"] = update.rank_count;
  if (update.step) details["step"] = *update.step;
  if (update.probability) details["probability"] = *update.probability;
  if (!update.evidence.empty()) details["evidence"].push_back(update.evidence);
  if (!update.superseded_by.empty()) details["superseded_by"] = update.superseded_by;
  if (entry.transitions > 0) details["flapping_transitions"] = entry.transitions;
  if (update.acknowledgement && StillAcknowledged(*update.acknowledgement, update, at)) {
    details["acknowledged_by"] = update.acknowledgement->by;
  }
  return details;
}

nlohmann::json AlertOf(const Entry& entry, base::TimeNs at) {
  const Update& update = *entry.update;
  return {{"status", StateOf(update)},
          {"labels", AlertLabels(update)},
          {"annotations", AlertAnnotations(update)},
          {"startsAt", TimeText(update.started)},
          {"endsAt", TimeText(EndOf(update, at))},
          {"generatorURL", update.link},
          {"fingerprint", Fingerprint(update)},
          {"rankscope", DetailsOf(entry, at)}};
}

// What all the objects have alike.
nlohmann::json Common(const nlohmann::json& alerts, const char* of) {
  nlohmann::json common = alerts.empty() ? nlohmann::json::object() : alerts.front()[of];
  for (const auto& alert : alerts) {
    for (auto item = common.begin(); item != common.end();) {
      auto same = alert[of].find(item.key());
      item = same != alert[of].end() && *same == *item ? std::next(item) : common.erase(item);
    }
  }
  return common;
}

std::string Render(const Config& config, const Channel& channel, const Message& message) {
  size_t shown = std::min(kMostAlerts, message.entries.size());
  nlohmann::json alerts = nlohmann::json::array();
  for (size_t i = 0; i < shown; ++i) alerts.push_back(AlertOf(message.entries[i], message.at));
  return Dump({{"receiver", channel.name},
               {"status", IsFiring(message) ? "firing" : "resolved"},
               {"alerts", alerts},
               {"notification_reason", message.reason},
               {"groupLabels", nlohmann::json(message.group_labels)},
               {"commonLabels", Common(alerts, "labels")},
               {"commonAnnotations", Common(alerts, "annotations")},
               {"externalURL", config.external_url},
               {"version", "4"},
               {"groupKey", message.group_key},
               {"truncatedAlerts", message.entries.size() - shown}});
}

Request Seal(const Channel& channel, const std::string& delivery, const std::string& body, base::TimeNs now) {
  Request request{
      channel.url.Reveal(), {"Content-Type: application/json", "X-Rankscope-Delivery: " + delivery}, body, {}};
  if (channel.secret.empty()) return request;
  request.headers.push_back("X-Rankscope-Signature: " +
                            WebhookSignature(channel.secret.Reveal(), channel.next_secret.Reveal(), body, now));
  return request;
}

}  // namespace

const ChannelKind kWebhook = {"webhook", {}, Render, Seal, JudgeHttp};

}  // namespace rankscope::notify
