#include "base/testing/repetitions.h"
#include "notify/planner_fixture.h"

namespace rankscope::notify {
namespace {

TEST_F(PlannerTest, ManyMessagesBecomeOneDigestWithinFiveSeconds) {
  for (int i = 0; i < 50; ++i) Take(Firing("i-" + std::to_string(i), 1, "j-" + std::to_string(i)));
  Pass(kMinute);
  ASSERT_EQ(messages_.size(), 3U);
  EXPECT_EQ(messages_.back().form, Message::Form::kDigest);
  EXPECT_EQ(messages_.back().entries.size(), 48U);
  EXPECT_EQ(messages_.back().at, kStart + MessageBudget::kDigestNs);
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
  for (int i = 0; i < base::Repetitions(100'000); ++i) {
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
  EXPECT_EQ(Told(), "0s firing i-0; 0s firing i-1; 4s overflow firing i-2,i-3,i-4,i-5,i-6,i-7,i-8");
  for (int i = 1; i < 8; ++i) Take(Of(Firing("i-" + std::to_string(i)), Kind::kResolved));
  Pass(kHour);
  EXPECT_EQ(Told(), "3600s resolved i-1") << "the overflow goes on while one of its incidents does";
  Take(Of(Firing("i-8"), Kind::kResolved));
  Pass(kHour);
  EXPECT_EQ(Told(), "7200s overflow resolved i-2,i-3,i-4,i-5,i-6,i-7,i-8");
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

TEST_F(PlannerTest, AlertThatAlertmanagerHoldsDoesNotExpireThereForASilence) {
  Use(R"(
receivers: [{name: m, alertmanager: {url: 'http://127.0.0.1:1'}}]
route: {receiver: m}
)");
  Take(Firing("a"));
  Pass(10 * kSecond);
  Silence silence;
  silence.id = "s";
  silence.matchers = {"project=\"p\""};
  silence.by = "ann";
  silence.reason = "planned";
  silence.project = "p";
  silence.starts = now_;
  silence.ends = now_ + kHour;
  ASSERT_TRUE(planner_->silences()->Add(silence).ok());
  Take(Firing("b", 1, "j-2"));
  Pass(115 * kSecond);
  EXPECT_EQ(Told(), "0s firing a; 60s firing a(again); 120s firing a(again)") << "what is new is silenced";
  Take(Of(Firing("a"), Kind::kResolved));
  Pass(10 * kSecond);
  EXPECT_EQ(Told(), "125s resolved a");
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
