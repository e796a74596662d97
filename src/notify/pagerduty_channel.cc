// PagerDuty's Events API v2 (POST /v2/enqueue, 202): one event an incident, whose id is the key that acknowledge and
// resolve find it by.
#include "notify/alert_json.h"
#include "notify/channel.h"
#include "notify/message_text.h"
#include "notify/text.h"

namespace rankscope::notify {
namespace {

constexpr size_t kMostEventBytes = 512'000, kMostSummaryRunes = 1024, kMostKeyRunes = 255;

std::string KeyOf(const Message& message) {
  std::string key = message.form == Message::Form::kOverflow ? "rankscope-overflow-" + message.project
                                                             : message.entries.front().update->incident;
  return CountRunes(key) <= kMostKeyRunes
             ? key
             : CutRunes(key, kMostKeyRunes - 17) + "-" + Fingerprint(*message.entries.front().update);
}

const char* ActionOf(const Message& message) {
  const Update& update = *message.entries.front().update;
  if (message.form == Message::Form::kOverflow) return IsFiring(message) ? "trigger" : "resolve";
  if (update.kind == Kind::kAcknowledged) return "acknowledge";
  return IsTrouble(update.kind) ? "trigger" : "resolve";
}

const char* SeverityOf(Severity severity) {
  return severity == Severity::kCritical ? "critical" : severity == Severity::kWarning ? "warning" : "info";
}

nlohmann::json PayloadOf(const MessageText& text, const Message& message) {
  const Update& first = *message.entries.front().update;
  nlohmann::json details = nlohmann::json::object();
  for (const auto& paragraph : text.paragraphs) {
    nlohmann::json facts = paragraph.facts;
    if (!paragraph.evidence.empty()) facts.push_back(paragraph.evidence);
    details[paragraph.title] = std::move(facts);
  }
  return {{"summary", CutRunes(text.headline, kMostSummaryRunes)},
          {"source", first.job.empty() ? "rankscope" : first.job},
          {"severity", SeverityOf(WorstOf(message))},
          {"timestamp", TimeText(first.started ? first.started : message.at)},
          {"class", first.incident_class},
          {"component", first.ranks.empty() ? "job" : "ranks " + first.ranks},
          {"group", first.project},
          {"custom_details", details}};
}

std::string Render(const Config& config, const Channel&, const Message& message) {
  MessageText text = Describe(config.external_url, message);
  nlohmann::json event = {{"event_action", ActionOf(message)},
                          {"dedup_key", KeyOf(message)},
                          {"client", "Rankscope"},
                          {"client_url", config.external_url},
                          {"payload", PayloadOf(text, message)}};
  if (const std::string& link = message.entries.front().update->link; !link.empty()) {
    event["links"] = nlohmann::json::array({{{"href", link}, {"text", "Open in Rankscope"}}});
  }
  std::string body = Dump(event);
  if (body.size() <= kMostEventBytes - 100) return body;  // the routing key comes with the request
  event["payload"]["custom_details"] = {{"error", "left out: the event was larger than 512,000 bytes"}};
  return Dump(event);
}

Request Seal(const Channel& channel, const std::string& delivery, const std::string& body, base::TimeNs) {
  std::string key = "{\"routing_key\":" + nlohmann::json(channel.routing_key.Reveal()).dump() + ",";
  return {channel.url.Reveal(),
          {"Content-Type: application/json", "X-Rankscope-Delivery: " + delivery},
          key + body.substr(1),
          {}};
}

}  // namespace

const ChannelKind kPagerDuty = {
    "pagerduty", {.one_each = true, .takes_states = false, .starts_and_ends = false}, Render, Seal, JudgeHttp};

}  // namespace rankscope::notify
