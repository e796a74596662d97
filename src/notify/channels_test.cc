#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "notify/channel.h"
#include "notify/message_text.h"
#include "notify/text.h"

namespace rankscope::notify {
namespace {

Update Base(const std::string& incident) {
  Update update;
  update.incident = incident;
  update.version = 1;
  update.severity = Severity::kCritical;
  update.project = "p";
  update.job = "j-1";
  update.incident_class = "network";
  update.title = "NCCL timeout";
  update.step = 12;
  update.started = 1'700'000'000 * base::kNsPerSecond;
  update.probability = 0.5;
  return update;
}

// As much of everything as an update can have, of characters of three bytes and of what has to be escaped.
Update Large(int number) {
  Update update = Base("incident-" + std::to_string(number));
  std::string text;
  for (int i = 0; i < 500; ++i) text += "损<&>*_[`\"\\\n";
  update.title = update.evidence = text;
  update.text.assign(30, text);
  update.link = "https://host/" + std::string(900, 'x');
  Trim(&update);
  return update;
}

Message MessageOf(const std::vector<Update>& updates, Message::Form form = Message::Form::kGroup) {
  Message message;
  message.channel = "x";
  message.form = form;
  if (form == Message::Form::kOverflow) message.project = "p";
  message.at = 1'700'000'100 * base::kNsPerSecond;
  for (const Update& update : updates) message.entries.push_back({std::make_shared<const Update>(update)});
  message.id = MessageId(message);
  return message;
}

Message LargeMessage(int count) {
  std::vector<Update> updates;
  for (int i = 0; i < count; ++i) updates.push_back(Large(i));
  return MessageOf(updates);
}

class ChannelsTest : public testing::Test {
 protected:
  std::string Render(const char* kind, const Message& message) {
    channel_.kind = FindChannelKind(kind);
    channel_.mail = {
        .smarthost = "h:25", .from = "r@example.org", .to = {"a@example.org"}, .username = "", .password = {}};
    return channel_.kind->render(config_, channel_, message);
  }
  nlohmann::json Json(const char* kind, const Message& message) { return nlohmann::json::parse(Render(kind, message)); }

  Config config_;
  Channel channel_;
};

TEST_F(ChannelsTest, AllFitTheirLimitsWhateverIsTold) {
  for (int count : {1, 3, 60, 700}) {
    Message message = LargeMessage(count);
    auto slack = Json("slack", message);
    EXPECT_LE(slack["blocks"].size(), 50U);
    size_t bytes = 0;
    for (const auto& block : slack["blocks"]) {
      if (block["type"] == "section") {
        EXPECT_LE(block["text"]["text"].get<std::string>().size(), 3000U);
      }
      bytes += block.dump().size();
    }
    EXPECT_LE(bytes, 13'000U);
    EXPECT_LE(Render("feishu", message).size(), 20'000U);
    EXPECT_LE(Render("dingtalk", message).size(), 20'000U);
    EXPECT_LE(Json("wecom", message)["markdown"]["content"].get<std::string>().size(), 4096U);
    EXPECT_EQ(Json("webhook", message)["alerts"].size(), std::min<size_t>(500, static_cast<size_t>(count)));
    EXPECT_EQ(Json("webhook", message)["truncatedAlerts"], count > 500 ? count - 500 : 0);
    EXPECT_EQ(Json("alertmanager", message).size(), static_cast<size_t>(count));
  }
}

TEST_F(ChannelsTest, WhatIsLeftOutIsCounted) {
  Message message = LargeMessage(60);
  for (const char* kind : {"slack", "feishu", "dingtalk", "wecom"}) {
    std::string body = Render(kind, message);
    EXPECT_NE(body.find(" more"), std::string::npos) << kind;
    EXPECT_EQ(body.find("\xEF\xBF\xBD"), std::string::npos) << kind << " is cut within a character";
  }
}

TEST_F(ChannelsTest, PagerDutyEventFits) {
  Update update = Large(1);
  update.incident = std::string(400, 'i');
  auto event = Json("pagerduty", MessageOf({update}));
  EXPECT_LE(CountRunes(event["payload"]["summary"].get<std::string>()), 1024U);
  EXPECT_LE(CountRunes(event["dedup_key"].get<std::string>()), 255U);
  update.incident = std::string(400, 'i') + "other";
  EXPECT_NE(Json("pagerduty", MessageOf({update}))["dedup_key"], event["dedup_key"]);
  std::vector<Update> many;
  for (int i = 0; i < 2000; ++i) {
    many.push_back(Large(i));
    many.back().job = "j-" + std::to_string(i);
  }
  std::string body = Render("pagerduty", MessageOf(many, Message::Form::kOverflow));
  EXPECT_LE(body.size(), 512'000U);
  EXPECT_EQ(nlohmann::json::parse(body)["dedup_key"], "rankscope-overflow-p");
}

TEST_F(ChannelsTest, BytesThatAreNoUtf8DoNotBreakTheJson) {
  Update update = Base("a");
  update.title = update.evidence = "\xFF\xFE loss \xE6";
  for (const ChannelKind& kind : ChannelKinds()) {
    if (kind.name == "email") continue;
    EXPECT_FALSE(Json(std::string(kind.name).c_str(), MessageOf({update})).is_null());
  }
}

TEST_F(ChannelsTest, MailHeadersTakeNothingFromTheText) {
  Update update = Base("a");
  update.title = "损失\r\nBcc: everybody@example.org";
  std::string mail = Render("email", MessageOf({update}));
  EXPECT_EQ(mail.find("Bcc"), std::string::npos) << "it is in base64, within the subject";
  for (size_t at = 0, end = 0; (end = mail.find("\r\n", at)) != std::string::npos; at = end + 2) {
    EXPECT_LE(end - at, 998U);
  }
  EXPECT_NE(mail.find("\r\nMessage-ID: <" + MessageOf({update}).id + "@rankscope>\r\n"), std::string::npos);
}

TEST_F(ChannelsTest, SameMessageGivesTheSameBytes) {
  for (const ChannelKind& kind : ChannelKinds()) {
    std::string name(kind.name);
    EXPECT_EQ(Render(name.c_str(), LargeMessage(3)), Render(name.c_str(), LargeMessage(3))) << name;
  }
}

TEST_F(ChannelsTest, PagerDutyHasOneActionForEachKind) {
  Update update = Base("a");
  std::map<Kind, std::string> expected = {{Kind::kFiring, "trigger"},     {Kind::kResolved, "resolve"},
                                          {Kind::kSuperseded, "resolve"}, {Kind::kAcknowledged, "acknowledge"},
                                          {Kind::kFailed, "trigger"},     {Kind::kStalled, "trigger"},
                                          {Kind::kFinished, "resolve"}};
  for (const auto& [kind, action] : expected) {
    update.kind = kind;
    EXPECT_EQ(Json("pagerduty", MessageOf({update}))["event_action"], action) << NameOf(kind);
  }
}

TEST_F(ChannelsTest, FailedJobIsNotSaidToBeResolved) {
  Update update = Base("life/p/j-1");
  update.kind = Kind::kFailed;
  update.ended = update.started + base::kNsPerSecond;
  Message message = MessageOf({update});
  auto body = Json("webhook", message);
  EXPECT_EQ(body["status"], "firing");
  EXPECT_EQ(body["alerts"][0]["status"], "firing");
  EXPECT_EQ(body["alerts"][0]["rankscope"]["kind"], "failed");
  std::string lapses = TimeText(message.at + 4 * 3600 * base::kNsPerSecond);
  EXPECT_EQ(body["alerts"][0]["endsAt"], lapses) << "nothing follows that ends it";
  EXPECT_EQ(Json("alertmanager", message)[0]["endsAt"], lapses);
  EXPECT_EQ(Json("feishu", message)["card"]["header"]["template"], "red");
}

TEST_F(ChannelsTest, SupersededSaysByWhat) {
  Update update = Base("a");
  update.kind = Kind::kSuperseded;
  update.superseded_by = "i-2";
  EXPECT_NE(Render("slack", MessageOf({update})).find("Superseded by: i-2"), std::string::npos);
  EXPECT_EQ(Json("webhook", MessageOf({update}))["alerts"][0]["rankscope"]["superseded_by"], "i-2");
}

TEST_F(ChannelsTest, DigestCountsByJob) {
  std::vector<Update> updates;
  for (int i = 0; i < 12; ++i) {
    updates.push_back(Base("i-" + std::to_string(i)));
    updates.back().job = "j-" + std::to_string(i % 3);
  }
  updates[0].kind = Kind::kResolved;
  MessageText text = Describe("https://host", MessageOf(updates, Message::Form::kDigest));
  EXPECT_EQ(text.headline, "3 jobs: 11 firing (11 critical), 1 resolved");
  ASSERT_EQ(text.paragraphs.size(), 3U);
  EXPECT_EQ(text.paragraphs[0].title, "job j-0 (project p): 3 firing (3 critical), 1 resolved");
}

TEST_F(ChannelsTest, OneVerdictForEachAnswer) {
  using Outcome = Verdict::Outcome;
  auto http = [](long status) {
    return JudgeHttp({.status = status, .retry_after_s = {}, .body = "", .error = ""}).outcome;
  };
  EXPECT_EQ(http(200), Outcome::kDelivered);
  EXPECT_EQ(http(202), Outcome::kDelivered);
  EXPECT_EQ(http(302), Outcome::kRefused);
  EXPECT_EQ(http(400), Outcome::kRefused);
  EXPECT_EQ(http(408), Outcome::kTryAgain);
  EXPECT_EQ(http(429), Outcome::kTryAgain);
  EXPECT_EQ(http(500), Outcome::kTryAgain);
  EXPECT_EQ(http(0), Outcome::kTryAgain);
}

}  // namespace
}  // namespace rankscope::notify
