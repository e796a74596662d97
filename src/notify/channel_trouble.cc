#include "notify/channel_trouble.h"

namespace rankscope::notify {
namespace {

constexpr int64_t kTellAfterNs = 600 * base::kNsPerSecond;

}  // namespace

std::string TroubleId(const std::string& channel) { return "rankscope-channel/" + channel; }

std::optional<Update> TroubleOf(const ChannelStatus& status, bool fires, base::TimeNs now) {
  bool failing = status.failing_since != 0 && now - status.failing_since >= kTellAfterNs;
  bool troubled = failing || status.refused != 0;
  bool works = status.delivered != 0 && status.failing_since == 0 && status.refused == 0;
  if (troubled == fires || (fires && !works)) return std::nullopt;
  Update update;
  update.incident = TroubleId(status.channel);
  update.version = static_cast<uint64_t>(now);
  update.incident_class = "notification_channel";
  update.not_to = status.channel;
  update.labels["channel"] = status.channel;
  update.started = failing ? status.failing_since : status.refused != 0 ? status.refused : now;
  update.title = "The channel " + status.channel + " (" + status.kind + ")";
  if (fires) {
    update.kind = Kind::kResolved;
    update.ended = now;
    update.title += " works again";
    return update;
  }
  update.title += failing ? " has not worked for 10 minutes" : " refused a message";
  update.text = {"Last error: " + status.error, std::to_string(status.waiting) + " messages wait for it"};
  return update;
}

}  // namespace rankscope::notify
