#include "diagnose/actions/hold.h"

#include <gtest/gtest.h>

namespace rankscope::diagnose {
namespace {

using Kind = model::JobOrder::Kind;
using base::kNsPerSecond;

// A hold of a job of four ranks on two agents.
class HoldTest : public testing::Test {
 protected:
  void Begin(const std::string& name = "pause_job", const std::string& finding = "", int64_t hold_s = 0) {
    ActionReport report;
    report.id = "a1";
    report.request.action.name = name;
    report.request.finding = finding;
    report.request.hold_s = hold_s;
    hold_.emplace(
        report, JobRanks{0, {0, 1, 2, 3}, 10},
        ActionWays{[this](const model::JobOrder& order) {
                     orders_.push_back(order);
                     return 2;
                   },
                   [this] { return agents_; }, [this](const RankOutcome& rank) { recorded_.push_back(rank); }});
    hold_->Begin(now_);
  }
  // What an agent says of its ranks to the last order of that kind.
  void Say(Kind kind, std::vector<std::pair<int32_t, std::string>> ranks, std::optional<int64_t> step = {},
           uint32_t timeout_s = 0, int64_t at_step_s = 0) {
    model::JobAnswer answer;
    answer.action = "a1";
    answer.kind = kind;
    for (const model::JobOrder& order : orders_) {
      if (order.kind == kind) answer.order_step = order.step;
    }
    for (const auto& [rank, outcome] : ranks) {
      model::RankAnswer one;
      one.rank = rank;
      one.outcome = outcome;
      one.step = step;
      one.collective_timeout_s = timeout_s;
      one.end = end_;
      one.step_ns = kNsPerSecond / 2;
      one.at_step_ns = at_step_s * kNsPerSecond;
      answer.ranks.push_back(one);
    }
    hold_->Take(answer, now_);
  }
  void SayOfAll(Kind kind, const std::string& outcome, std::optional<int64_t> step = {}, uint32_t timeout_s = 0) {
    Say(kind, {{0, outcome}, {1, outcome}}, step, timeout_s);
    Say(kind, {{2, outcome}, {3, outcome}}, step, timeout_s);
  }
  void After(int64_t seconds) {
    now_ += seconds * kNsPerSecond;
    hold_->Tick(now_);
  }
  const ActionReport& report() const { return hold_->report(); }
  const model::JobOrder& last() const { return orders_.back(); }

  int64_t now_ = 1;
  int agents_ = 2;
  model::RankAnswer::End end_ = model::RankAnswer::End::kSaves;  // what the ranks do where they are told to end
  std::vector<model::JobOrder> orders_;
  std::vector<RankOutcome> recorded_;
  std::optional<Hold> hold_;
};

TEST_F(HoldTest, AllRanksWaitAtAStepThatNoneHasReached) {
  Begin();
  EXPECT_EQ(last().kind, Kind::kPrepare);
  EXPECT_GT(*last().step, 10);
  SayOfAll(Kind::kPrepare, "ready", 10);
  EXPECT_EQ(last().kind, Kind::kHold);
  EXPECT_EQ(last().step, orders_.front().step);
  EXPECT_EQ(report().state, "running");
  SayOfAll(Kind::kHold, "held", *last().step);
  EXPECT_EQ(report().state, "held");
  EXPECT_EQ(report().step, orders_.front().step);
  hold_->Release("ann");
  EXPECT_EQ(report().outcome, "resumed");
  EXPECT_EQ(report().summary, "resumed by ann");
}

TEST_F(HoldTest, OneRankHasAndSeveralHaveToldNoStep) {
  Begin();
  Say(Kind::kPrepare, {{0, "ready"}, {1, "ready"}});
  Say(Kind::kPrepare, {{2, "no_step"}, {3, "no_step"}});
  EXPECT_EQ(report().summary.substr(0, 27), "ranks 2-3 have told no step");
  Begin();
  Say(Kind::kPrepare, {{0, "ready"}, {1, "ready"}});
  Say(Kind::kPrepare, {{2, "ready"}, {3, "no_step"}});
  EXPECT_EQ(report().summary.substr(0, 23), "rank 3 has told no step");
}

TEST_F(HoldTest, AStepThatOneRankHasBegunIsGivenUpForALaterOne) {
  Begin();
  Say(Kind::kPrepare, {{0, "ready"}, {1, "late"}}, 500);
  Say(Kind::kPrepare, {{2, "ready"}, {3, "ready"}}, 499);
  EXPECT_EQ(last().kind, Kind::kPrepare);
  EXPECT_GT(*last().step, 500);
  int64_t margin = *last().step - 500;
  SayOfAll(Kind::kPrepare, "late", 600);
  EXPECT_EQ(*last().step - 600, 2 * margin) << "twice the margin each time";
}

TEST_F(HoldTest, AnswersToAnEarlierStepDoNotCount) {
  Begin();
  model::JobAnswer old;
  old.kind = Kind::kPrepare;
  old.order_step = *last().step - 1;
  hold_->Take(old, now_);
  hold_->Take(old, now_);
  EXPECT_EQ(orders_.size(), 1u);
}

TEST_F(HoldTest, AJobThatHasNotAgreedIsLeftAlone) {
  Begin();
  SayOfAll(Kind::kPrepare, "not_allowed");
  EXPECT_EQ(last().kind, Kind::kGo);
  EXPECT_EQ(report().outcome, "refused");
  EXPECT_NE(report().summary.find("--allow-pause"), std::string::npos);
  EXPECT_NE(report().summary.find("ranks 0-3"), std::string::npos);
}

TEST_F(HoldTest, NoneIsHeldWhereOneCannotBeAsked) {
  Begin();
  Say(Kind::kPrepare, {{0, "ready"}, {1, "ready"}}, 10);
  Say(Kind::kPrepare, {{2, "ready"}}, 10);
  EXPECT_EQ(last().kind, Kind::kGo);
  EXPECT_EQ(report().summary, "rank 3 cannot be asked, so none is held");
}

TEST_F(HoldTest, AnAgentThatDoesNotAnswerIsNotAwaitedForEver) {
  Begin();
  Say(Kind::kPrepare, {{0, "ready"}, {1, "ready"}}, 10);
  After(14);
  EXPECT_EQ(report().state, "running");
  After(2);
  EXPECT_EQ(report().summary, "ranks 2-3 cannot be asked, so none is held");
}

TEST_F(HoldTest, HalfOfTheShortestTimeoutIsTheLongestHoldAndEndsInACheckpoint) {
  Begin();
  Say(Kind::kPrepare, {{0, "ready"}, {1, "ready"}}, 10, 1800);
  Say(Kind::kPrepare, {{2, "ready"}, {3, "ready"}}, 10, 100);
  EXPECT_EQ(last().limit_ms, 60'000u) << "a rank's own limit: ten seconds more";
  SayOfAll(Kind::kHold, "held");
  After(50);
  EXPECT_EQ(report().state, "held");
  After(1);
  EXPECT_EQ(last().kind, Kind::kEnd);
  EXPECT_EQ(last().step, orders_.front().step);
  SayOfAll(Kind::kEnd, "ending");
  EXPECT_EQ(report().outcome, "stopped");
}

TEST_F(HoldTest, AHoldMayBeShorterButNotLonger) {
  Begin("pause_job", "", 20);
  SayOfAll(Kind::kPrepare, "ready", 10, 100);
  EXPECT_EQ(last().limit_ms, 30'000u);
  orders_.clear();
  Begin("pause_job", "", 2000);
  SayOfAll(Kind::kPrepare, "ready", 10, 100);
  EXPECT_EQ(last().limit_ms, 60'000u);
}

TEST_F(HoldTest, ARankThatNeverComesIsNamedAndTheOthersGoOn) {
  Begin();
  SayOfAll(Kind::kPrepare, "ready", 10, 100);
  Say(Kind::kHold, {{0, "held"}, {1, "held"}});
  Say(Kind::kHold, {{3, "held"}});
  After(11);
  ASSERT_EQ(recorded_.size(), 1u);
  EXPECT_EQ(recorded_[0].rank, 2);
  EXPECT_EQ(recorded_[0].outcome, "not arrived");
  EXPECT_EQ(recorded_[0].step, 10);
  EXPECT_EQ(report().outcome, "incomplete");
  After(40);
  EXPECT_EQ(last().kind, Kind::kGo);
  EXPECT_EQ(report().outcome, "given_up");
  EXPECT_NE(report().summary.find("rank 2 never came"), std::string::npos);
}

TEST_F(HoldTest, WhereOneGoesOnByItselfAllDo) {
  Begin();
  SayOfAll(Kind::kPrepare, "ready", 10);
  SayOfAll(Kind::kHold, "held");
  Say(Kind::kHold, {{1, "left"}});
  EXPECT_EQ(last().kind, Kind::kGo);
  EXPECT_EQ(report().outcome, "given_up");
}

TEST_F(HoldTest, AnAgentThatStaysAwayEndsTheHold) {
  Begin();
  SayOfAll(Kind::kPrepare, "ready", 10);
  SayOfAll(Kind::kHold, "held");
  agents_ = 1;
  After(1);
  After(29);
  EXPECT_EQ(report().state, "held");
  After(2);
  EXPECT_EQ(last().kind, Kind::kGo);
}

TEST_F(HoldTest, WhereOneHasRaisedASlowAgentIsAwaitedForLessThanThatOneWaitsWithItsEnd) {
  Begin();
  Say(Kind::kPrepare, {{0, "ready"}, {1, "raised"}}, 10);
  After(6);
  SayOfAll(Kind::kStacks, "captured");
  After(0);
  EXPECT_EQ(last().kind, Kind::kEnd);
}

TEST_F(HoldTest, ASlowAgentsRanksAreNotTakenForEndedOnesAfterSeconds) {
  Begin("pause_job", "f1");
  Say(Kind::kPrepare, {{0, "ready"}, {1, "ready"}}, 10);
  After(14);
  EXPECT_EQ(last().kind, Kind::kPrepare);
  Say(Kind::kPrepare, {{2, "ready"}, {3, "ready"}}, 10);
  EXPECT_EQ(last().kind, Kind::kHold);
}

TEST_F(HoldTest, WhereOneHasRaisedStacksAreTakenFirstAndTheOthersEnd) {
  Begin("pause_job", "f1");
  EXPECT_EQ(orders_[0].kind, Kind::kStacks);
  Say(Kind::kStacks, {{0, "asked"}, {1, "asked"}});
  Say(Kind::kStacks, {{2, "asked"}, {3, "asked"}});
  Say(Kind::kPrepare, {{0, "ready"}, {1, "raised"}}, 10);
  Say(Kind::kPrepare, {{2, "ready"}, {3, "ready"}}, 10);
  EXPECT_EQ(last().kind, Kind::kPrepare) << "it waits with its end as long as that is open";
  SayOfAll(Kind::kStacks, "captured");
  After(0);
  EXPECT_EQ(last().kind, Kind::kEnd);
  EXPECT_FALSE(last().step) << "at the next step, whichever it is";
  EXPECT_NE(report().summary.find("rank 1 has raised"), std::string::npos);
  Say(Kind::kEnd, {{1, "ended"}, {0, "ended"}});
  Say(Kind::kEnd, {{2, "ending"}, {3, "ended"}});
  EXPECT_EQ(report().outcome, "stopped");
}

TEST_F(HoldTest, StopEndsAllAtOneStepWithoutWaiting) {
  Begin("stop_job");
  SayOfAll(Kind::kPrepare, "ready", 10);
  EXPECT_EQ(last().kind, Kind::kEnd);
  EXPECT_EQ(last().step, orders_.front().step);
  SayOfAll(Kind::kEnd, "ending");
  EXPECT_EQ(report().outcome, "stopped");
}

TEST_F(HoldTest, WhoIsThereAndWhoIsNotIsSaidOnceASecond) {
  Begin();
  SayOfAll(Kind::kPrepare, "ready", 10, 100);
  Say(Kind::kHold, {{0, "held"}, {1, "held"}}, 12);
  After(2);
  Say(Kind::kHold, {{2, "going"}, {3, "going"}}, 11);
  EXPECT_EQ(
      report().summary,
      "all ranks are to wait at step 12, and have agreed; there: ranks 0-1; on the way: ranks 2-3 are at step 10 for "
      "2 s; given up once a rank has made no step for 60 s (a step usually takes 0.5 s)");
  After(1);
  EXPECT_NE(report().summary.find("ranks 2-3 are at step 11 for 1 s"), std::string::npos) << report().summary;
  EXPECT_TRUE(recorded_.empty()) << "nobody is late yet";
}

TEST_F(HoldTest, AHungJobIsNamedWithinSecondsAndGivenUpWithinItsBound) {
  Begin();
  SayOfAll(Kind::kPrepare, "ready", 10);
  After(3);
  EXPECT_TRUE(recorded_.empty());
  After(2);
  ASSERT_EQ(recorded_.size(), 4u);
  EXPECT_EQ(recorded_[2].outcome, "not arrived");
  EXPECT_EQ(recorded_[2].detail, "rank 2 is at step 10 for 5 s (a step usually takes 0.5 s)");
  EXPECT_EQ(report().outcome, "incomplete");
  EXPECT_EQ(report().state, "running");
  After(54);
  EXPECT_EQ(report().state, "running");
  After(1);
  EXPECT_EQ(last().kind, Kind::kGo);
  EXPECT_EQ(report().outcome, "given_up");
  EXPECT_NE(report().summary.find("ranks 0-3 never came: ranks 0-3 are at step 10 for 60 s"), std::string::npos);
}

TEST_F(HoldTest, RanksThatStillMakeStepsAreAwaited) {
  Begin();
  SayOfAll(Kind::kPrepare, "ready", 10);
  for (int64_t step = 11; step < 20; ++step) {
    After(50);
    SayOfAll(Kind::kHold, "going", step);
  }
  EXPECT_EQ(report().state, "running");
}

TEST_F(HoldTest, NobodyIsAwaitedLongerThanTheCollectivesLet) {
  Begin();
  SayOfAll(Kind::kPrepare, "ready", 10, 20);
  After(17);
  EXPECT_EQ(report().state, "running");
  After(1);
  EXPECT_EQ(report().outcome, "given_up");
}

TEST_F(HoldTest, AJobThatHasHungForLongIsGivenUpAtOnce) {
  Begin();
  Say(Kind::kPrepare, {{0, "ready"}, {1, "ready"}}, 10, 0, 300);
  Say(Kind::kPrepare, {{2, "ready"}, {3, "ready"}}, 10, 0, 300);
  After(0);
  EXPECT_EQ(report().outcome, "given_up");
  EXPECT_NE(report().summary.find("at step 10 for 300 s"), std::string::npos);
}

TEST_F(HoldTest, AStopOfRanksThatDoNotAskIsRefused) {
  end_ = model::RankAnswer::End::kGoesOn;
  Begin("stop_job");
  SayOfAll(Kind::kPrepare, "ready", 10);
  EXPECT_EQ(last().kind, Kind::kGo);
  EXPECT_EQ(report().outcome, "refused");
  EXPECT_NE(report().summary.find("ranks 0-3 do not ask whether to end"), std::string::npos);
}

TEST_F(HoldTest, RanksThatDoNotAskGoOnAtTheEndOfTheLongestHold) {
  end_ = model::RankAnswer::End::kGoesOn;
  Begin();
  SayOfAll(Kind::kPrepare, "ready", 10, 100);
  SayOfAll(Kind::kHold, "held");
  EXPECT_NE(report().summary.find("then they go on: ranks 0-3 do not ask"), std::string::npos);
  After(51);
  EXPECT_EQ(last().kind, Kind::kGo);
  EXPECT_EQ(report().outcome, "given_up");
}

TEST_F(HoldTest, AHoldThatWasAskedForSoLongBlamesNoCollective) {
  for (int64_t asked_s : {20, 0}) {
    Begin("pause_job", "", asked_s);
    SayOfAll(Kind::kPrepare, "ready", 10, 100);
    SayOfAll(Kind::kHold, "held");
    After(51);
    EXPECT_EQ(report().summary.find("so that no collective times out") == std::string::npos, asked_s == 20);
    orders_.clear();
  }
}

TEST_F(HoldTest, AHoldThatIsShorterThanAskedForSaysByWhat) {
  struct {
    int64_t asked_s;
    uint32_t timeout_s;
    const char* words;
  } cases[] = {{20, 16, "for 8 s at most (half of the collectives' timeout, 16 s, though 20 s were asked for); then"},
               {5, 16, "for 5 s at most, as asked; then"},
               {0, 16, "for 8 s at most (half of the collectives' timeout, 16 s); then"},
               {0, 0, "for 300 s at most (half of the collectives' usual timeout, 600 s); then"}};
  for (const auto& each : cases) {
    Begin("pause_job", "", each.asked_s);
    SayOfAll(Kind::kPrepare, "ready", 10, each.timeout_s);
    SayOfAll(Kind::kHold, "held");
    EXPECT_NE(report().summary.find(each.words), std::string::npos) << report().summary;
    orders_.clear();
  }
}

TEST_F(HoldTest, OnlyWhatTheRanksSaveIsSaidToBeSaved) {
  end_ = model::RankAnswer::End::kEnds;
  Begin("stop_job");
  SayOfAll(Kind::kPrepare, "ready", 10);
  SayOfAll(Kind::kEnd, "ending");
  EXPECT_EQ(report().summary, "all ranks end (what is saved is their script's affair) at step 12");
}

}  // namespace
}  // namespace rankscope::diagnose
