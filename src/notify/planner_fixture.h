#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "model/time_text.h"
#include "notify/planner.h"

// For the planner's tests.
namespace rankscope::notify {

inline constexpr int64_t kSecond = base::kNsPerSecond, kMinute = 60 * kSecond, kHour = 60 * kMinute;
inline const base::TimeNs kStart = *model::ParseTime("2026-11-23T12:00:00Z");

inline constexpr const char* kChat = R"(
receivers: [{name: chat, webhook: {url: 'http://127.0.0.1:1'}}]
route: {receiver: chat}
)";
inline constexpr const char* kPager = R"(
receivers: [{name: pager, pagerduty: {url: 'http://127.0.0.1:1', routing_key: $NOTIFY_TEST_SECRET}}]
route: {receiver: pager}
)";

// A planner whose time the test moves; every message that it makes, with its time.
class PlannerTest : public testing::Test {
 protected:
  PlannerTest() {
    setenv("NOTIFY_TEST_SECRET", "k", 1);
    Use(kChat);
  }

  void Use(const std::string& yaml) {
    auto config = ParseConfig("n.yaml", ".", yaml);
    ASSERT_TRUE(config.ok()) << config.status().message();
    planner_ = std::make_unique<Planner>(*config);
  }

  static Update Firing(const std::string& incident, uint64_t version = 1, const std::string& job = "j-1") {
    Update update;
    update.incident = incident;
    update.version = version;
    update.project = "p";
    update.job = job;
    update.severity = Severity::kCritical;
    update.incident_class = "network";
    update.title = "NCCL timeout";
    update.rank_count = 4;
    update.nodes = {0, 1};
    return update;
  }
  static Update Of(Update update, Kind kind) {
    update.kind = kind;
    ++update.version;
    return update;
  }

  static Acknowledgement HeldBy(const std::string& name, base::TimeNs until = 0) {
    Acknowledgement held;
    held.by = name;
    held.until = until;
    return held;
  }

  void Take(const Update& update) {
    auto admitted = planner_->Admit(update, now_);
    if (admitted) planner_->Take(*std::move(admitted), now_);
  }

  // Plans whenever there is something to plan, up to `span` from now, and stays there.
  void Pass(int64_t span) {
    base::TimeNs end = now_ + span;
    for (;;) {
      for (Message& message : planner_->Plan(now_, blocked_)) {
        EXPECT_EQ(message.at, now_);
        messages_.push_back(std::move(message));
      }
      base::TimeNs next = std::max(planner_->NextDue(blocked_), now_ + 1);
      if (next > end) break;
      now_ = next;
    }
    now_ = end;
  }

  // "0s firing a,b; 120s resolved a", of the messages since the last call, times from the start.
  std::string Told() {
    std::string text;
    for (const Message& message : std::exchange(messages_, {})) {
      text += (text.empty() ? "" : "; ") + std::to_string((message.at - kStart) / kSecond) + "s";
      if (message.form == Message::Form::kDigest) text += " digest";
      if (message.form == Message::Form::kOverflow) text += " overflow";
      std::string_view kind;
      for (const Entry& entry : message.entries) {
        bool same = kind == NameOf(entry.update->kind);
        kind = NameOf(entry.update->kind);
        text += (same ? "," : " " + std::string(kind) + " ") + entry.update->incident;
        if (entry.round > 0) text += "(again)";
        if (entry.transitions > 0) text += "(flapping " + std::to_string(entry.transitions) + ")";
      }
    }
    return text;
  }

  base::TimeNs now_ = kStart;
  std::set<std::string> blocked_channels_;
  std::function<bool(const std::string&)> blocked_ = [this](const std::string& channel) {
    return blocked_channels_.count(channel) > 0;
  };
  std::unique_ptr<Planner> planner_;
  std::vector<Message> messages_;
};

}  // namespace rankscope::notify
