#include "notify/test_message.h"

#include "notify/transport.h"

namespace rankscope::notify {
namespace {

Update TestUpdate(const Channel& channel, base::TimeNs now) {
  Update update;
  update.incident = "rankscope-test/" + channel.name;
  update.version = static_cast<uint64_t>(now);
  update.severity = Severity::kInfo;
  update.incident_class = "test";
  update.project = "default";
  update.job = "test";
  update.started = now;
  update.title = "Test of the channel " + channel.name;
  update.text = {"Nothing is wrong: somebody asked whether this channel works."};
  return update;
}

Verdict SendOne(const Config& config, const Channel& channel, Update update, base::TimeNs now) {
  Message message;
  message.channel = channel.name;
  message.form = Message::Form::kTest;
  message.reason = "test";
  message.group_key = "rankscope/test";
  message.at = now;
  message.entries.push_back({std::make_shared<const Update>(std::move(update))});
  message.id = MessageId(message);
  std::string body = channel.kind->render(config, channel, message);
  Verdict verdict = channel.kind->judge(Send(channel, channel.kind->seal(channel, message.id, body, now)));
  verdict.why = channel.Hide(std::move(verdict.why));
  return verdict;
}

}  // namespace

std::vector<Verdict> SendTest(const Config& config, const Channel& channel) {
  base::TimeNs now = base::WallNow();
  Update update = TestUpdate(channel, now);
  std::vector<Verdict> verdicts = {SendOne(config, channel, update, now)};
  bool stays = channel.kind->traits.one_each || channel.kind->traits.takes_states;
  if (!stays || verdicts.front().outcome != Verdict::Outcome::kDelivered) return verdicts;
  update.kind = Kind::kResolved;
  update.ended = now;
  ++update.version;
  verdicts.push_back(SendOne(config, channel, update, now));
  return verdicts;
}

}  // namespace rankscope::notify
