// WeCom's group robots: Markdown of 4,096 bytes at most. The address is the secret; errors come with HTTP 200.
#include <array>

#include "notify/alert_json.h"
#include "notify/channel.h"
#include "notify/markdown.h"
#include "notify/text.h"

namespace rankscope::notify {
namespace {

constexpr size_t kMostBytes = 4096, kMostTitleBytes = 300;

const char* ColourOf(const Message& message) {
  if (!IsFiring(message)) return "info";  // green
  return WorstOf(message) == Severity::kInfo ? "comment" : "warning";
}

std::string Render(const Config& config, const Channel&, const Message& message) {
  MessageText text = Describe(config.external_url, message);
  std::string body = std::string("<font color=\"") + ColourOf(message) + "\">" +
                     EscapeMarkdown(CutBytes(text.headline, kMostTitleBytes)) + "</font>\n";
  size_t left = kMostBytes - body.size();
  size_t for_each = text.paragraphs.size() == 1 ? left - 60 : left / 3;
  body += JoinParagraphs(text, left, [&](const auto& paragraph) { return MarkdownOf(paragraph, for_each); });
  return Dump({{"msgtype", "markdown"}, {"markdown", {{"content", CutBytes(body, kMostBytes)}}}});
}

Request Seal(const Channel& channel, const std::string&, const std::string& body, base::TimeNs) {
  return {channel.url.Reveal(), {"Content-Type: application/json"}, body, {}};
}

Verdict Judge(const Answer& answer) {
  constexpr std::array<int64_t, 2> kAgain = {-1, 45009};  // busy; too many messages
  return JudgeCode(answer, "errcode", "errmsg", kAgain);
}

}  // namespace

const ChannelKind kWeCom = {"wecom", {}, Render, Seal, Judge};

}  // namespace rankscope::notify
