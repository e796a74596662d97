#include "notify/planner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "model/time_text.h"

namespace rankscope::notify {
namespace {

constexpr int64_t kSecond = base::kNsPerSecond, kMinute = 60 * kSecond, kHour = 60 * kMinute;
const base::TimeNs kStart = *model::ParseTime("2026-11-23T12:00:00Z");

constexpr const char* kChat = R"(
receivers: [{name: chat, webhook: {url: 'http://127.0.0.1:1'}}]
route: {receiver: chat}
)";
constexpr const char* kPager = R"(
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

TEST_F(PlannerTest, CriticalIsToldAtOnceAndItsEndIsTold) {
  Take(Firing("a"));
  Pass(5 * kMinute);
  Take(Of(Firing("a"), Kind::kResolved));
  Pass(kHour);
  EXPECT_EQ(Told(), "0s firing a; 300s resolved a");
  EXPECT_EQ(planner_->TakeClosed(), std::vector<std::string>({"a"}));
  EXPECT_EQ(planner_->size(), 0U);
}

TEST_F(PlannerTest, OthersWaitAndAreOneMessage) {
  Update warning = Firing("a");
  warning.severity = Severity::kWarning;
  Take(warning);
  Pass(20 * kSecond);
  warning.incident = "b";
  Take(warning);
  Pass(kMinute);
  EXPECT_EQ(Told(), "30s firing a,b");
}

TEST_F(PlannerTest, ResolvedWithinTheWaitIsNotTold) {
  Update warning = Firing("a");
  warning.severity = Severity::kWarning;
  Take(warning);
  Pass(20 * kSecond);
  Take(Of(warning, Kind::kResolved));
  Pass(kHour);
  EXPECT_EQ(Told(), "");
  EXPECT_EQ(planner_->size(), 0U);
}

TEST_F(PlannerTest, NewsOfAGroupThatWasToldWaitsForItsInterval) {
  Take(Firing("a"));
  Pass(10 * kSecond);
  Take(Firing("b"));
  Take(Firing("c", 1, "j-2"));
  Pass(kMinute);
  Take(Of(Firing("a"), Kind::kResolved));
  Pass(5 * kMinute);
  EXPECT_EQ(Told(), "0s firing a; 10s firing c; 120s firing b resolved a");
}

TEST_F(PlannerTest, WhatFiresIsRepeated) {
  Take(Firing("a"));
  Pass(9 * kHour);
  EXPECT_EQ(Told(), "0s firing a; 14400s firing a(again); 28800s firing a(again)");
}

TEST_F(PlannerTest, RepeatedOrOlderResolvedIsNotToldAgain) {
  Take(Firing("a"));
  Pass(kSecond);
  Update resolved = Of(Firing("a"), Kind::kResolved);
  Take(resolved);
  Take(resolved);
  Pass(3 * kMinute);
  Take(resolved);
  Pass(kHour);
  EXPECT_EQ(Told(), "0s firing a; 120s resolved a");
}

TEST_F(PlannerTest, SupersededClosesWhatWasTold) {
  Take(Firing("a"));
  Pass(kHour);
  Update superseded = Of(Firing("a"), Kind::kSuperseded);
  superseded.superseded_by = "b";
  Take(superseded);
  Pass(kHour);
  EXPECT_EQ(Told(), "0s firing a; 3600s superseded a");
}

TEST_F(PlannerTest, SilencedIsToldOnceTheSilenceEnds) {
  ASSERT_TRUE(planner_->silences()->Add({"s", {"job=\"j-1\""}, now_, now_ + kHour, "ann", "maintenance"}).ok());
  Take(Firing("a"));
  Take(Firing("b", 1, "j-2"));
  Pass(2 * kHour);
  EXPECT_EQ(Told(), "0s firing b; 3600s firing a");
}

TEST_F(PlannerTest, EndOfWhatWasToldIsToldThoughSilenced) {
  Take(Firing("a"));
  Pass(kHour);
  ASSERT_TRUE(planner_->silences()->Add({"s", {"job=\"j-1\""}, now_, now_ + kHour, "ann", "maintenance"}).ok());
  Take(Of(Firing("a"), Kind::kResolved));
  Pass(kHour);
  EXPECT_EQ(Told(), "0s firing a; 3600s resolved a");
}

TEST_F(PlannerTest, SilenceNeedsMatchersReasonNameAndEnd) {
  Silences* silences = planner_->silences();
  EXPECT_NE(silences->Add({"s", {}, 0, 1, "ann", "why"}).message().find("matcher"), std::string::npos);
  EXPECT_NE(silences->Add({"s", {"a=b"}, 0, 1, "ann", ""}).message().find("reason"), std::string::npos);
  EXPECT_NE(silences->Add({"s", {"a=b"}, 0, 1, "", "why"}).message().find("who"), std::string::npos);
  EXPECT_NE(silences->Add({"s", {"a=b"}, 1, 1, "ann", "why"}).message().find("end"), std::string::npos);
  EXPECT_NE(silences->Add({"s", {"a~b"}, 0, 1, "ann", "why"}).message().find("matcher a~b"), std::string::npos);
}

TEST_F(PlannerTest, MuteTimesHoldBackWhatIsToldLater) {
  Use(R"(
time_intervals: [{name: noon, time_intervals: [{times: [{start_time: '12:00', end_time: '13:00'}]}]}]
receivers: [{name: chat, webhook: {url: 'http://127.0.0.1:1'}}]
route: {receiver: chat, routes: [{matchers: ['job="j-1"'], mute_time_intervals: [noon]}]}
)");
  Take(Firing("a"));
  Take(Firing("b", 1, "j-2"));
  Take(Firing("c"));
  Pass(kMinute);
  Take(Of(Firing("c"), Kind::kResolved));
  Pass(2 * kHour);
  EXPECT_EQ(Told(), "0s firing b; 3600s firing a");
}

TEST_F(PlannerTest, AcknowledgedIsNotRepeatedUntilItGetsWorse) {
  Take(Firing("a"));
  Pass(kHour);
  Update held = Of(Firing("a"), Kind::kAcknowledged);
  held.acknowledgement = HeldBy("ann");
  Take(held);
  Pass(20 * kHour);
  EXPECT_EQ(Told(), "0s firing a; 3600s acknowledged a");
  Update same = Firing("a", 3);
  same.rank_count = 8;  // twice as many
  Take(same);
  Pass(20 * kHour);
  EXPECT_EQ(Told(), "");
  Update worse = Firing("a", 4);
  worse.rank_count = 9;
  Take(worse);
  Pass(kMinute);
  EXPECT_EQ(Told(), "147600s firing a");
}

TEST_F(PlannerTest, AcknowledgementEndsWithSeverityNodeAndTime) {
  Acknowledgement held{"ann", "", kStart + kHour, Severity::kWarning, 4, {0, 1}};
  Update update = Firing("a");
  update.severity = Severity::kWarning;
  EXPECT_TRUE(StillAcknowledged(held, update, kStart));
  EXPECT_FALSE(StillAcknowledged(held, update, kStart + kHour));
  update.severity = Severity::kCritical;
  EXPECT_FALSE(StillAcknowledged(held, update, kStart));
  update.severity = Severity::kInfo;
  update.nodes = {1, 2};
  EXPECT_FALSE(StillAcknowledged(held, update, kStart));
}

TEST_F(PlannerTest, ForgottenAcknowledgementIsRecalledAtItsEnd) {
  Take(Firing("a"));
  Pass(kMinute);
  Update held = Of(Firing("a"), Kind::kAcknowledged);
  held.acknowledgement = HeldBy("ann", now_ + kHour);
  Take(held);
  Pass(2 * kHour);
  EXPECT_EQ(Told(), "0s firing a; 120s acknowledged a; 3660s acknowledged a(again)");
}

TEST_F(PlannerTest, FlappingIsToldOnceThenHalfHourly) {
  uint64_t version = 0;
  for (int i = 0; i < 61; ++i) {  // every 70 s, for 70 minutes
    Update update = Firing("a", ++version);
    if (i % 2 == 1) update.kind = Kind::kResolved;
    Take(update);
    Pass(70 * kSecond);
  }
  EXPECT_EQ(Told(),
            "0s firing a; 120s resolved a; 140s firing a; 260s resolved a; 280s firing a; 400s resolved a(flapping 5); "
            "2240s firing a(flapping 26); 4040s resolved a(flapping 25)");
  Pass(kHour);
  ASSERT_EQ(messages_.size(), 1U) << "once it is quiet, what it has become";
  EXPECT_LT(messages_[0].at, kStart + 5720 * kSecond + 5 * kSecond) << "when four changes are left of the half hour";
  EXPECT_EQ(messages_[0].entries[0].update->kind, Kind::kFiring);
  EXPECT_EQ(messages_[0].entries[0].transitions, 0U);
}

TEST_F(PlannerTest, FlappingUnderNewIncidentsIsFoundByItsSubject) {
  for (int i = 0; i < 12; ++i) {
    Update update = Firing("i-" + std::to_string(i));
    update.subject = "p/j-1/NcclTimeout";
    Take(update);
    Pass(3 * kMinute);
    Take(Of(update, Kind::kResolved));
    Pass(3 * kMinute);
  }
  EXPECT_LE(messages_.size(), 9U) << "of 24";
  Pass(kHour);
  std::map<std::string, bool> open;
  for (const Message& message : messages_) {
    for (const Entry& entry : message.entries) open[entry.update->incident] = IsOpen(entry.update->kind);
  }
  for (const auto& [incident, is_open] : open) EXPECT_FALSE(is_open) << incident;
}

TEST_F(PlannerTest, ManyMessagesBecomeOneDigestEveryFiveSeconds) {
  for (int i = 0; i < 50; ++i) Take(Firing("i-" + std::to_string(i), 1, "j-" + std::to_string(i)));
  Pass(kMinute);
  ASSERT_EQ(messages_.size(), 5U);
  EXPECT_EQ(messages_.back().form, Message::Form::kDigest);
  EXPECT_EQ(messages_.back().entries.size(), 46U);
  EXPECT_EQ(messages_.back().at, kStart + 5 * kSecond);
}

TEST_F(PlannerTest, SteadyFifteenAMinuteAreNoDigest) {
  for (int i = 0; i < 60; ++i) {
    Take(Firing("i-" + std::to_string(i), 1, "j-" + std::to_string(i)));
    Pass(4 * kSecond);
  }
  EXPECT_EQ(messages_.size(), 60U);
}

// The largest number of messages of the channel in any minute.
size_t MostInAMinute(const std::vector<Message>& messages, const std::string& channel) {
  size_t most = 0;
  for (const Message& first : messages) {
    auto within = [&](const Message& each) {
      return each.channel == channel && each.at >= first.at && each.at < first.at + kMinute;
    };
    most = std::max(most, static_cast<size_t>(std::count_if(messages.begin(), messages.end(), within)));
  }
  return most;
}

TEST_F(PlannerTest, StormStaysWithinBounds) {
  Use(R"(
receivers:
- {name: chat, webhook: {url: 'http://127.0.0.1:1'}}
- {name: manager, alertmanager: {url: 'http://127.0.0.1:1'}}
- {name: pager, pagerduty: {url: 'http://127.0.0.1:1', routing_key: $NOTIFY_TEST_SECRET}}
route:
  receiver: chat
  routes: [{continue: true}, {receiver: manager, continue: true}, {receiver: pager}]
)");
  // 100,000 updates a minute over 50 jobs, each of an incident of its own.
  std::map<std::string, base::TimeNs> first_of_job;
  size_t most_known = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string job = "j-" + std::to_string(i * 7 % 50);
    first_of_job.try_emplace(job, now_);
    Take(Firing("i-" + std::to_string(i), 1, job));
    if (i % 100 == 99) Pass(60 * kMinute / 60 / 1000);
    most_known = std::max(most_known, planner_->size());
  }
  Pass(10 * kSecond);
  EXPECT_LE(most_known, Planner::kMostIncidents + 50) << "and one that stands for the others of each job";
  for (const char* channel : {"chat", "manager", "pager"}) {
    EXPECT_LE(MostInAMinute(messages_, channel), 15U) << channel;
    std::map<std::string, base::TimeNs> told;
    for (const Message& message : messages_) {
      for (const Entry& entry : message.entries) {
        if (message.channel == channel) told.try_emplace(entry.update->job, message.at);
      }
    }
    for (const auto& [job, at] : first_of_job) {
      ASSERT_EQ(told.count(job), 1U) << channel << " " << job;
      EXPECT_LE(told[job] - at, 5 * kSecond) << channel << " " << job;
    }
  }
}

TEST_F(PlannerTest, StormsOtherIncidentsAreCountedAndClosed) {
  for (size_t i = 0; i < Planner::kMostIncidents + 500; ++i) Take(Firing("i-" + std::to_string(i)));
  EXPECT_EQ(planner_->size(), Planner::kMostIncidents + 1);
  Pass(10 * kSecond);
  ASSERT_FALSE(messages_.empty());
  auto& entries = messages_.back().entries;
  auto stand_in = std::find_if(entries.begin(), entries.end(),
                               [](const Entry& entry) { return entry.update->incident == "rankscope-more/p/j-1"; });
  ASSERT_NE(stand_in, entries.end());
  EXPECT_EQ(stand_in->update->title.substr(0, 8), "500 more");
  EXPECT_TRUE(planner_->EndedStandIns(now_).empty());
  Pass(11 * kMinute);
  auto ended = planner_->EndedStandIns(now_);
  ASSERT_EQ(ended.size(), 1U);
  Take(ended.front());
  messages_.clear();
  Pass(3 * kMinute);
  EXPECT_EQ(Told(), "670s resolved rankscope-more/p/j-1");
}

TEST_F(PlannerTest, EndOfAJobIsToldInTheMidstOfAStorm) {
  for (size_t i = 0; i < Planner::kMostIncidents; ++i) Take(Firing("i-" + std::to_string(i)));
  Update life = Firing("life/j-2", 1, "j-2");
  life.kind = Kind::kFailed;
  Take(life);
  EXPECT_TRUE(planner_->Knows("life/j-2"));
  EXPECT_EQ(planner_->size(), Planner::kMostIncidents + 1);
}

TEST_F(PlannerTest, PagerIsToldOfEachIncidentAndNeverRepeated) {
  Use(kPager);
  Take(Firing("a"));
  Take(Firing("b"));
  Pass(10 * kHour);
  Take(Of(Firing("a"), Kind::kResolved));
  Pass(kMinute);
  EXPECT_EQ(Told(), "0s firing a; 0s firing b; 36000s resolved a");
}

TEST_F(PlannerTest, PagerHasOneOverflowIncidentForAStormAndItsEnd) {
  Use(kPager);
  for (int i = 0; i < 9; ++i) Take(Firing("i-" + std::to_string(i)));
  Pass(kHour);
  EXPECT_EQ(Told(),
            "0s firing i-0; 0s firing i-1; 0s firing i-2; 0s firing i-3; 5s overflow firing i-4,i-5,i-6,i-7,i-8");
  for (int i = 3; i < 8; ++i) Take(Of(Firing("i-" + std::to_string(i)), Kind::kResolved));
  Pass(kHour);
  EXPECT_EQ(Told(), "3600s resolved i-3") << "the overflow goes on while one of its incidents does";
  Take(Of(Firing("i-8"), Kind::kResolved));
  Pass(kHour);
  EXPECT_EQ(Told(), "7200s overflow resolved i-4,i-5,i-6,i-7,i-8");
}

TEST_F(PlannerTest, PagerHearsNothingOfStartsAndEnds) {
  Use(kPager);
  Update life = Firing("life/j-1");
  life.kind = Kind::kStarted;
  Take(life);
  Pass(kHour);
  Take(Of(life, Kind::kFinished));
  Pass(kHour);
  EXPECT_EQ(Told(), "");
  life.version = 3;
  life.incident = "life/j-2";
  life.kind = Kind::kFailed;
  Take(life);
  Pass(kHour);
  EXPECT_EQ(Told(), "7200s failed life/j-2");
}

TEST_F(PlannerTest, JobsLifeIsToldAndStalledIsClosed) {
  Update life = Firing("life/j-1");
  life.kind = Kind::kStarted;
  Take(life);
  Pass(kHour);
  Take(Of(life, Kind::kStalled));
  Pass(kHour);
  life.version = 3;
  life.kind = Kind::kFinished;
  Take(life);
  Pass(kHour);
  EXPECT_EQ(Told(), "0s started life/j-1; 3600s stalled life/j-1; 7200s finished life/j-1");
}

TEST_F(PlannerTest, AlertmanagerGetsAllStatesAgainAndAgain) {
  Use(R"(
receivers: [{name: m, alertmanager: {url: 'http://127.0.0.1:1'}}]
route: {receiver: m}
)");
  Take(Firing("a"));
  Take(Firing("b", 1, "j-2"));
  Pass(130 * kSecond);
  Take(Of(Firing("a"), Kind::kResolved));
  Pass(10 * kSecond);
  EXPECT_EQ(Told(), "0s firing a,b; 60s firing a(again),b(again); 120s firing a(again),b(again); 130s resolved a");
}

TEST_F(PlannerTest, BlockedChannelIsToldWhatHasBecomeOfAllOnceItIsNot) {
  blocked_channels_ = {"chat"};
  Take(Firing("a"));
  Take(Firing("b", 1, "j-2"));
  Pass(kMinute);
  Take(Of(Firing("b", 1, "j-2"), Kind::kResolved));
  Take(Firing("a", 5));
  Pass(kMinute);
  EXPECT_EQ(Told(), "");
  blocked_channels_.clear();
  Pass(kMinute);
  EXPECT_EQ(Told(), "120s firing a; 120s resolved b") << "it fired in vain, so its end is news";
}

TEST_F(PlannerTest, TroubleOfAChannelIsToldOnAnother) {
  Use(R"(
receivers: [{name: chat, webhook: {url: 'http://127.0.0.1:1'}}, {name: other, webhook: {url: 'http://127.0.0.1:1'}}]
route: {receiver: chat}
)");
  Update trouble = Firing("rankscope-channel/chat");
  trouble.not_to = "chat";
  Take(trouble);
  Pass(kSecond);
  ASSERT_EQ(messages_.size(), 1U);
  EXPECT_EQ(messages_.front().channel, "other");
}

TEST_F(PlannerTest, RouteThatLeadsElsewhereKeepsTheChannelThatWasTold) {
  Use(R"(
receivers: [{name: chat, webhook: {url: 'http://127.0.0.1:1'}}, {name: calm, webhook: {url: 'http://127.0.0.1:1'}}]
route: {receiver: calm, routes: [{receiver: chat, matchers: ['severity="critical"']}]}
)");
  Take(Firing("a"));
  Pass(kHour);
  Update calm = Firing("a", 2);
  calm.severity = Severity::kInfo;
  calm.kind = Kind::kResolved;
  Take(calm);
  Pass(kHour);
  ASSERT_EQ(messages_.size(), 2U);
  EXPECT_EQ(messages_[1].channel, "chat");
}

TEST_F(PlannerTest, RestoredIncidentIsClosedForWhoWasTold) {
  KnownIncident known;
  known.update = std::make_shared<const Update>(Firing("a"));
  known.taken = kStart - kHour;
  known.told["chat"] = {1, true, kStart - kHour, 0, false};
  planner_->Restore(known, now_);
  Pass(kMinute);
  EXPECT_EQ(Told(), "");
  Take(Of(Firing("a"), Kind::kResolved));
  Pass(kMinute);
  EXPECT_EQ(Told(), "60s resolved a");
}

TEST_F(PlannerTest, SameMessageHasTheSameIdAndAnotherHasAnother) {
  Take(Firing("a"));
  Take(Firing("b", 1, "j-2"));
  Pass(kSecond);
  ASSERT_EQ(messages_.size(), 2U);
  EXPECT_EQ(messages_[0].id.size(), 36U);
  EXPECT_EQ(messages_[0].id, MessageId(messages_[0]));
  EXPECT_NE(messages_[0].id, messages_[1].id);
}

}  // namespace
}  // namespace rankscope::notify
