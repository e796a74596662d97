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
    auto update = LifeUpdate(life_, told_, context_);
    if (update) told_ = {update->version, life_.ended};
    return update;
  }
  void End(base::TimeNs at, const std::string& state, const std::string& reason) {
    life_.ended = life_.last_heard = at;
    life_.state = state;
    life_.reason = reason;
  }

  catalog::JobLife life_;
  LifeTold told_;
  LifeContext context_;
};

TEST_F(LifeUpdateTest, EachPhaseIsToldOnceWithAGrowingVersion) {
  auto started = Look(kStart);
  ASSERT_TRUE(started);
  EXPECT_EQ(started->kind, notify::Kind::kStarted);
  EXPECT_EQ(started->title, "8 ranks");
  EXPECT_EQ(started->link, "https://host/jobs/j?project=p");
  EXPECT_FALSE(Look(kStart + 1));
  life_.last_step = 1200;
  End(kStart + kHour, "failed", "rank 2: SIGKILL");
  auto failed = Look(kStart + kHour);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->incident, started->incident);
  EXPECT_GT(failed->version, started->version);
  EXPECT_EQ(failed->kind, notify::Kind::kFailed);
  EXPECT_EQ(failed->title, "rank 2: SIGKILL");
  EXPECT_EQ(failed->text.back(), "Last step: 1200");
  EXPECT_FALSE(Look(kStart + 2 * kHour));
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
  auto first = Look(kStart + kHour);
  ASSERT_TRUE(first);
  life_.launched = kStart + 2 * kHour;
  End(kStart + 3 * kHour, "failed", "rank 1: exit 1");
  auto second = Look(kStart + 3 * kHour);
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
