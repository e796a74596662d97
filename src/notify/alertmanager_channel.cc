// Alertmanager's /api/v2/alerts: all that fires, again and again, each time good for some repetitions; what is over,
// with its end. It groups, silences and repeats by itself.
#include "notify/alert_json.h"
#include "notify/channel.h"
#include "notify/message_text.h"

namespace rankscope::notify {
namespace {

constexpr int64_t kGoodForNs = 5 * 60 * base::kNsPerSecond;  // Alertmanager's own resolve_timeout

base::TimeNs EndOf(const Update& update, base::TimeNs at) {
  if (!IsTrouble(update.kind)) return update.ended;
  base::TimeNs lapses = LapsesAt(update.kind, at);
  return lapses != 0 ? lapses : at + kGoodForNs;
}

std::string Render(const Config&, const Channel&, const Message& message) {
  nlohmann::json alerts = nlohmann::json::array();
  for (const Entry& entry : message.entries) {
    const Update& update = *entry.update;
    alerts.push_back({{"labels", AlertLabels(update)},
                      {"annotations", AlertAnnotations(update)},
                      {"startsAt", TimeText(update.started)},
                      {"endsAt", TimeText(EndOf(update, message.at))},
                      {"generatorURL", update.link}});
  }
  return Dump(alerts);
}

Request Seal(const Channel& channel, const std::string& delivery, const std::string& body, base::TimeNs) {
  std::string url = channel.url.Reveal();
  while (url.ends_with('/')) url.pop_back();
  return {url + "/api/v2/alerts", {"Content-Type: application/json", "X-Rankscope-Delivery: " + delivery}, body, {}};
}

}  // namespace

const ChannelKind kAlertmanager = {
    "alertmanager", {.one_each = false, .takes_states = true, .starts_and_ends = false}, Render, Seal, JudgeHttp};

}  // namespace rankscope::notify
