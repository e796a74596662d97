#include "notify/planner_fixture.h"

namespace rankscope::notify {
namespace {

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

TEST_F(PlannerTest, FailedJobIsToldAtOnceThoughAnIncidentOfItWasTold) {
  Update life = Firing("life");
  life.kind = Kind::kStarted;
  life.severity = Severity::kInfo;
  Take(life);
  Pass(kMinute);
  Take(Firing("a"));
  Pass(10 * kSecond);
  life = Of(life, Kind::kFailed);
  life.severity = Severity::kCritical;
  Take(life);
  Pass(10 * kSecond);
  Take(Of(life, Kind::kFailed));  // with its verdict
  Pass(kMinute);
  EXPECT_EQ(Told(), "30s started life; 60s firing a; 70s failed life; 80s failed life");
}

TEST_F(PlannerTest, FailureWaitsNoLongerThanTheGroupWaitOfItsRoute) {
  Use(R"(
receivers: [{name: chat, webhook: {url: 'http://127.0.0.1:1'}}]
route: {receiver: chat, group_wait: 20s}
)");
  Take(Firing("a"));
  Pass(kMinute);
  Update failed = Firing("life");
  failed.kind = Kind::kFailed;
  Take(failed);
  Pass(kMinute);
  EXPECT_EQ(Told(), "20s firing a; 80s failed life");
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

}  // namespace
}  // namespace rankscope::notify
