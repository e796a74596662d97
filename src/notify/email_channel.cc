// Mail by SMTP: plain text. All messages of a group are one thread, by a reference that the group gives.
#include <cstdio>
#include <ctime>

#include "base/coding.h"
#include "notify/channel.h"
#include "notify/message_text.h"
#include "notify/signature.h"
#include "notify/text.h"

namespace rankscope::notify {
namespace {

constexpr size_t kMostBytes = 200'000, kMostSubjectBytes = 200, kLineBytes = 76;

// RFC 2047: words of 45 bytes at most, each whole characters, one a line.
std::string EncodedWords(std::string_view text) {
  std::string words;
  while (!text.empty()) {
    constexpr size_t kWord = 45;
    size_t end = std::min(kWord, text.size());
    while (end > 1 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    words.append(words.empty() ? "" : "\r\n ").append("=?UTF-8?B?").append(Base64(text.substr(0, end))).append("?=");
    text.remove_prefix(end);
  }
  return words;
}

std::string Base64Lines(const std::string& text) {
  std::string encoded = Base64(text), lines;
  for (size_t at = 0; at < encoded.size(); at += kLineBytes) lines.append(encoded, at, kLineBytes).append("\r\n");
  return lines;
}

std::string DateText(base::TimeNs time) {
  std::time_t seconds = time / base::kNsPerSecond;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02d %s %d %02d:%02d:%02d +0000", kDays[parts.tm_wday], parts.tm_mday,
                kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  return text;
}

std::string PlainText(const MessageText::Paragraph& paragraph) {
  std::string text = paragraph.title;
  for (const std::string& fact : paragraph.facts) text += "\n  " + fact;
  if (!paragraph.evidence.empty()) text += "\n  > " + paragraph.evidence;
  if (!paragraph.link.empty()) text += "\n  " + paragraph.link;
  return text;
}

std::string ThreadOf(const Message& message) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx",
                static_cast<unsigned long long>(base::Checksum(message.channel + '\0' + message.group_key)));
  return text;
}

std::string Render(const Config& config, const Channel& channel, const Message& message) {
  MessageText text = Describe(config.external_url, message);
  std::string to;
  for (const std::string& address : channel.mail.to) to += (to.empty() ? "" : ",\r\n ") + address;
  std::string body = JoinParagraphs(text, kMostBytes, PlainText);
  if (!text.link.empty()) body += "\n\nRankscope: " + text.link;
  return "From: " + OneLine(channel.mail.from) + "\r\nTo: " + to +
         "\r\nSubject: " + EncodedWords(CutBytes(text.headline, kMostSubjectBytes)) +
         "\r\nDate: " + DateText(message.at) + "\r\nMessage-ID: <" + message.id + "@rankscope>\r\nReferences: <" +
         ThreadOf(message) + "@rankscope>\r\nX-Rankscope-Delivery: " + message.id +
         "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
         "Content-Transfer-Encoding: base64\r\n\r\n" +
         Base64Lines(body);
}

Request Seal(const Channel& channel, const std::string&, const std::string& body, base::TimeNs) {
  bool tls = channel.mail.tls == Channel::Mail::Tls::kFromTheStart;
  return {(tls ? "smtps://" : "smtp://") + channel.mail.smarthost, {}, body, channel.mail.to};
}

// RFC 5321: 4yz may work later, 5yz will not.
Verdict Judge(const Answer& answer) {
  if (answer.error.empty()) return {Verdict::Outcome::kDelivered, "SMTP " + std::to_string(answer.status)};
  bool refused = answer.status >= 500 && answer.status < 600;
  std::string why = answer.error + (answer.status ? " (SMTP " + std::to_string(answer.status) + ")" : "");
  return {refused ? Verdict::Outcome::kRefused : Verdict::Outcome::kTryAgain, why};
}

}  // namespace

const ChannelKind kEmail = {"email", {}, Render, Seal, Judge};

}  // namespace rankscope::notify
