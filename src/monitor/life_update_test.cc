#include "monitor/life_update.h"

#include <gtest/gtest.h>

namespace rankscope::monitor {
namespace {

constexpr base::TimeNs kHour = 3600 * base::kNsPerSecond, kStart = 1000 * kHour;
constexpr int64_t kLostAfter = 60 * base::kNsPerSecond;

// One job under the eyes of a server that was there before it.
class LifeUpdateTest : public testing::Test {
 protected:
  LifeUpdateTest() {
    life_.job = "j";
    life_.state = "running";
    life_.ranks_expected = 8;
    life_.launched = life_.last_heard = kStart;
    context_ = {"p", "https://host", kStart, kStart - kHour, kStart - kHour, kLostAfter};
  }
  // What is told at that time; it counts as told.
  std::optional<notify::Update> Look(base::TimeNs now) {
    context_.now = now;
    bool failed = life_.state == "failed" || life_.state == "lost";
    if (failed && told_.waits_since == 0) told_.waits_since = now;
    auto update = LifeUpdate(life_, told_, verdict_ ? &*verdict_ : nullptr, context_);
    if (update) told_ = {update->version, life_.ended, update->title, told_.waits_since};
    return update;
  }
  // The same when the verdict has not come in time.
  std::optional<notify::Update> LookInVain(base::TimeNs now) {
    EXPECT_FALSE(Look(now));
    return Look(now + kVerdictWait);
  }
  void End(base::TimeNs at, const std::string& state, const std::string& reason) {
    life_.ended = life_.last_heard = at;
    life_.state = state;
    life_.reason = reason;
  }

  catalog::JobLife life_;
  LifeTold told_;
  LifeContext context_;
  std::optional<LifeVerdict> verdict_;
};

const LifeVerdict kOom = {false, "cuda_oom", 0.95, 3, 120, "CUDA out of memory", true};

TEST_F(LifeUpdateTest, EachPhaseIsToldOnceWithAGrowingVersion) {
  auto started = Look(kStart);
  ASSERT_TRUE(started);
  EXPECT_EQ(started->kind, notify::Kind::kStarted);
  EXPECT_EQ(started->title, "8 ranks");
  EXPECT_EQ(started->link, "https://host/jobs/j?project=p");
  EXPECT_FALSE(Look(kStart + 1));
  life_.last_step = 1200;
  End(kStart + kHour, "failed", "rank 2: SIGKILL");
  auto failed = LookInVain(kStart + kHour);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->incident, started->incident);
  EXPECT_GT(failed->version, started->version);
  EXPECT_EQ(failed->kind, notify::Kind::kFailed);
  EXPECT_EQ(failed->title, "rank 2: SIGKILL");
  EXPECT_EQ(failed->text, (std::vector<std::string>{"Size: 8 ranks", "Last step: 1200", "Diagnosis: it follows"}));
  EXPECT_FALSE(Look(kStart + 2 * kHour));
}

TEST_F(LifeUpdateTest, FailureIsToldWithItsVerdictInOneMessage) {
  Look(kStart);
  End(kStart + kHour, "failed", "rank 1: SIGABRT");
  EXPECT_FALSE(Look(kStart + kHour)) << "the diagnosis is on its way";
  verdict_ = kOom;
  auto failed = Look(kStart + kHour + base::kNsPerSecond);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->kind, notify::Kind::kFailed);
  EXPECT_EQ(failed->title, "cuda_oom on rank 3 (rank 1: SIGABRT)");
  EXPECT_EQ(failed->evidence, "rank 3: CUDA out of memory");
  EXPECT_EQ(failed->incident_class, "cuda_oom");
  EXPECT_EQ(failed->ranks, "3");
  EXPECT_EQ(failed->probability, 0.95);
  EXPECT_EQ(failed->text.back(), "It failed at step 120");
  EXPECT_EQ(notify::LabelsOf(*failed).at("alertname"), "failed");
  EXPECT_FALSE(Look(kStart + 2 * kHour));
}

TEST_F(LifeUpdateTest, FailureIsToldAtOnceAndPromisesNothingWhereNothingIsDiagnosed) {
  context_.diagnoses = false;
  End(kStart + kHour, "failed", "rank 1: SIGABRT");
  auto failed = Look(kStart + kHour);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->title, "rank 1: SIGABRT");
  EXPECT_EQ(failed->text, (std::vector<std::string>{"Size: 8 ranks"}));
  EXPECT_FALSE(Look(kStart + 2 * kHour));
}

TEST_F(LifeUpdateTest, VerdictThatComesTooLateFollowsInTheSameThread) {
  End(kStart + kHour, "failed", "rank 1: SIGABRT");
  auto failed = LookInVain(kStart + kHour);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->text.back(), "Diagnosis: it follows");
  verdict_ = kOom;
  auto why = Look(kStart + kHour + 2 * kVerdictWait);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->incident, failed->incident);
  EXPECT_GT(why->version, failed->version);
  EXPECT_EQ(why->title, "cuda_oom on rank 3 (rank 1: SIGABRT)");
  EXPECT_FALSE(Look(kStart + 2 * kHour));
}

TEST_F(LifeUpdateTest, VerdictBeforeTheLastWordsWaitsForThemAndIsCorrectedByThem) {
  End(kStart + kHour, "failed", "rank 1: SIGABRT");
  verdict_ = LifeVerdict{false, "nccl_timeout", 0.6, 1, {}, "Watchdog caught collective operation timeout", false};
  auto first = LookInVain(kStart + kHour);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->title, "nccl_timeout on rank 1 (rank 1: SIGABRT)");
  verdict_->settled = true;
  EXPECT_FALSE(Look(kStart + kHour + 2 * kVerdictWait)) << "it says the same";
  verdict_ = kOom;
  auto second = Look(kStart + kHour + 3 * kVerdictWait);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->text.back(), "This corrects what was told before: nccl_timeout on rank 1 (rank 1: SIGABRT)");
  EXPECT_FALSE(Look(kStart + 2 * kHour));
}

TEST_F(LifeUpdateTest, CulpritWhoseNumberBeginsTheOtherOnesIsCorrectedToo) {
  End(kStart + kHour, "failed", "rank 1: SIGABRT");
  verdict_ = kOom;
  verdict_->rank = 31;
  ASSERT_TRUE(Look(kStart + kHour));
  verdict_->rank = 3;
  auto second = Look(kStart + kHour + base::kNsPerSecond);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->title, "cuda_oom on rank 3 (rank 1: SIGABRT)");
}

TEST_F(LifeUpdateTest, FailureThatItsRecordsDoNotExplainIsToldSo) {
  End(kStart + kHour, "failed", "rank 1: exit 1");
  verdict_ = LifeVerdict{true, "none", 0, {}, {}, "", true};
  auto failed = Look(kStart + kHour);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->title, "rank 1: exit 1");
  EXPECT_EQ(failed->text.back(), "Diagnosis: its records do not say why");
  EXPECT_EQ(failed->incident_class, "");
}

TEST_F(LifeUpdateTest, StalledJobIsToldAndThenThatItIsHeardOfAgain) {
  Look(kStart);
  life_.state = "lost";
  auto stalled = Look(kStart + 2 * kLostAfter);
  ASSERT_TRUE(stalled);
  EXPECT_EQ(stalled->kind, notify::Kind::kStalled);
  life_.state = "running";
  life_.last_heard = kStart + 3 * kLostAfter;
  auto again = Look(life_.last_heard);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->kind, notify::Kind::kStarted);
  EXPECT_EQ(again->title, "it is heard of again");
}

TEST_F(LifeUpdateTest, ServerThatWasAwayDoesNotCallAJobStalled) {
  Look(kStart);
  life_.state = "lost";
  context_.heard_since = kStart + kHour;
  EXPECT_FALSE(Look(kStart + kHour));
  EXPECT_TRUE(Look(kStart + kHour + 2 * kLostAfter));
}

TEST_F(LifeUpdateTest, JobThatIsSilentForADayIsGivenUp) {
  life_.state = "lost";
  ASSERT_TRUE(Look(kStart + 2 * kLostAfter));
  context_.told_since = kStart + 48 * kHour;  // as old as it is, the stall is closed
  auto ended = Look(kStart + 72 * kHour);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->kind, notify::Kind::kFailed);
  EXPECT_FALSE(Look(kStart + 73 * kHour));
}

TEST_F(LifeUpdateTest, OldJobsAreNotToldAtTheFirstStart) {
  context_.told_since = kStart + kHour;
  EXPECT_FALSE(Look(kStart + 2 * kHour)) << "it runs, and began before";
  End(kStart + kHour / 2, "failed", "rank 0: exit 1");
  EXPECT_FALSE(Look(kStart + 2 * kHour));
}

TEST_F(LifeUpdateTest, JobThatRanAtTheFirstStartIsToldWhenItEnds) {
  context_.told_since = kStart + kHour;
  End(kStart + 2 * kHour, "finished", "");
  auto finished = Look(kStart + 2 * kHour);
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->title, "after 2 h");
}

TEST_F(LifeUpdateTest, LaunchUnderTheSameIdThatFailsBeforeTheNextLookIsToldAgain) {
  End(kStart + kHour, "failed", "rank 2: SIGKILL");
  auto first = LookInVain(kStart + kHour);
  ASSERT_TRUE(first);
  life_.launched = kStart + 2 * kHour;
  End(kStart + 3 * kHour, "failed", "rank 1: exit 1");
  told_.waits_since = 0;
  auto second = LookInVain(kStart + 3 * kHour);
  ASSERT_TRUE(second);
  EXPECT_GT(second->version, first->version);
  EXPECT_EQ(second->title, "rank 1: exit 1");
}

TEST_F(LifeUpdateTest, DeletedJobClosesItsStall) {
  life_.state = "lost";
  auto stalled = Look(kStart + 2 * kLostAfter);
  ASSERT_TRUE(stalled);
  auto end = LifeForgotten(*stalled, kStart + kHour);
  EXPECT_GT(end.version, stalled->version);
  EXPECT_FALSE(notify::IsOpen(end.kind));
}

}  // namespace
}  // namespace rankscope::monitor
