// DingTalk's group robots: Markdown, signed in the address; errors come with HTTP 200. 20 messages a minute.
#include <array>

#include "base/url.h"
#include "notify/alert_json.h"
#include "notify/channel.h"
#include "notify/markdown.h"
#include "notify/signature.h"
#include "notify/text.h"

namespace rankscope::notify {
namespace {

constexpr size_t kMostBytes = 18'000, kMostParagraphBytes = 3000, kMostTitleBytes = 200;  // a body is 20,000 at most

std::string Render(const Config& config, const Channel& channel, const Message& message) {
  MessageText text = Describe(config.external_url, message);
  std::string body = "### " + EscapeMarkdown(CutBytes(text.headline, kMostTitleBytes)) + "\n\n";
  body += JoinParagraphs(text, kMostBytes - body.size(),
                         [](const auto& paragraph) { return MarkdownOf(paragraph, kMostParagraphBytes); });
  for (const std::string& mobile : channel.at_mobiles) body += "\n@" + mobile;
  return Dump({{"msgtype", "markdown"},
               {"markdown", {{"title", CutBytes(text.headline, kMostTitleBytes)}, {"text", body}}},
               {"at", {{"atMobiles", channel.at_mobiles}, {"isAtAll", channel.at_all}}}});
}

Request Seal(const Channel& channel, const std::string&, const std::string& body, base::TimeNs now) {
  Request request{channel.url.Reveal(), {"Content-Type: application/json"}, body, {}};
  if (channel.secret.empty()) return request;
  int64_t ms = now / base::kNsPerMs;
  request.url += (request.url.find('?') == std::string::npos ? "?" : "&");
  request.url +=
      "timestamp=" + std::to_string(ms) + "&sign=" + base::UrlEncode(DingTalkSignature(channel.secret.Reveal(), ms));
  return request;
}

Verdict Judge(const Answer& answer) {
  constexpr std::array<int64_t, 3> kAgain = {-1, 130101, 410100};  // busy; too many messages
  return JudgeCode(answer, "errcode", "errmsg", kAgain);
}

}  // namespace

const ChannelKind kDingTalk = {"dingtalk", {}, Render, Seal, Judge};

}  // namespace rankscope::notify
