// Feishu's and Lark's custom bots: a card, 20 kB at most. Timestamp and signature stand in the body, so they are put
// in front of the kept bytes at each attempt; errors come with HTTP 200.
#include <array>

#include "notify/alert_json.h"
#include "notify/channel.h"
#include "notify/markdown.h"
#include "notify/signature.h"
#include "notify/text.h"

namespace rankscope::notify {
namespace {

constexpr size_t kMostBytes = 16'000, kMostParagraphBytes = 3000, kMostTitleBytes = 300;

const char* ColourOf(const Message& message) {
  if (!IsFiring(message)) return "green";
  return WorstOf(message) == Severity::kCritical ? "red" : WorstOf(message) == Severity::kWarning ? "orange" : "blue";
}

std::string Render(const Config& config, const Channel&, const Message& message) {
  MessageText text = Describe(config.external_url, message);
  std::string body = JoinParagraphs(text, kMostBytes,
                                    [](const auto& paragraph) { return MarkdownOf(paragraph, kMostParagraphBytes); });
  nlohmann::json title = {{"tag", "plain_text"}, {"content", CutBytes(text.headline, kMostTitleBytes)}};
  return Dump({{"msg_type", "interactive"},
               {"card",
                {{"header", {{"template", ColourOf(message)}, {"title", title}}},
                 {"elements", nlohmann::json::array({{{"tag", "markdown"}, {"content", body}}})}}}});
}

Request Seal(const Channel& channel, const std::string&, const std::string& body, base::TimeNs now) {
  Request request{channel.url.Reveal(), {"Content-Type: application/json"}, body, {}};
  if (channel.secret.empty()) return request;
  int64_t seconds = now / base::kNsPerSecond;
  request.body = "{\"timestamp\":\"" + std::to_string(seconds) + "\",\"sign\":\"" +
                 FeishuSignature(channel.secret.Reveal(), seconds) + "\"," + body.substr(1);
  return request;
}

Verdict Judge(const Answer& answer) {
  constexpr std::array<int64_t, 2> kAgain = {11232, 99991400};  // too many messages
  return JudgeCode(answer, "code", "msg", kAgain);
}

}  // namespace

const ChannelKind kFeishu = {"feishu", {}, Render, Seal, Judge};

}  // namespace rankscope::notify
