// Slack's incoming webhooks: a section an incident. 50 blocks and 3,000 characters a section are documented; a total
// near 13,200 is not (slackapi/bolt-js#2509), so all blocks together stay below 10,000 bytes.
#include "notify/alert_json.h"
#include "notify/channel.h"
#include "notify/message_text.h"
#include "notify/text.h"

namespace rankscope::notify {
namespace {

constexpr size_t kMostBlocks = 48, kMostSectionBytes = 2900, kMostTextBytes = 9000, kMostHeadlineBytes = 500;

// A link in which nothing can end the link.
std::string LinkTo(const std::string& url) {
  return url.find_first_of("<>|\n ") == std::string::npos ? "<" + EscapeAngles(url) + "|Open in Rankscope>" : "";
}

std::string SectionText(const MessageText::Paragraph& paragraph) {
  std::string text = "*" + EscapeAngles(CutBytes(paragraph.title, 600)) + "*";
  for (const std::string& fact : paragraph.facts) text += "\n" + EscapeAngles(fact);
  std::string evidence = EscapeAngles(paragraph.evidence);
  for (char& c : evidence) c = c == '`' ? '\'' : c;
  std::string tail = evidence.empty() ? "" : "\n`" + CutBytes(evidence, 800) + "`";
  if (!paragraph.link.empty()) tail += "\n" + LinkTo(paragraph.link);
  return CutBytes(text, kMostSectionBytes - std::min(kMostSectionBytes, tail.size())) + tail;
}

nlohmann::json Block(const std::string& text) {
  return {{"type", "section"}, {"text", {{"type", "mrkdwn"}, {"text", text}}}};
}

std::string Render(const Config& config, const Channel&, const Message& message) {
  MessageText text = Describe(config.external_url, message);
  std::string headline = EscapeAngles(CutBytes(text.headline, kMostHeadlineBytes));
  nlohmann::json blocks = nlohmann::json::array();
  size_t bytes = headline.size(), shown = 0;
  for (const auto& paragraph : text.paragraphs) {
    std::string section = SectionText(paragraph);
    if (blocks.size() == kMostBlocks || bytes + section.size() > kMostTextBytes) break;
    bytes += section.size() + 60;  // what a block has around it
    blocks.push_back(Block(section));
    ++shown;
  }
  if (size_t more = text.paragraphs.size() - shown; more > 0) {
    blocks.push_back(Block("… and " + std::to_string(more) + " more"));
  }
  std::string foot = "Rankscope" + (text.link.empty() ? "" : " · " + LinkTo(text.link));
  blocks.push_back({{"type", "context"}, {"elements", nlohmann::json::array({{{"type", "mrkdwn"}, {"text", foot}}})}});
  return Dump({{"text", headline}, {"blocks", blocks}});
}

Request Seal(const Channel& channel, const std::string&, const std::string& body, base::TimeNs) {
  return {channel.url.Reveal(), {"Content-Type: application/json"}, body, {}};
}

}  // namespace

const ChannelKind kSlack = {"slack", {}, Render, Seal, JudgeHttp};

}  // namespace rankscope::notify
