#include "catalog/testing/catalog_case.h"

namespace rankscope::catalog {
namespace {

class PauseTest : public CatalogTest {
 protected:
  void Action(const std::string& outcome, std::optional<int32_t> rank = {}, const std::string& action = "pause_job",
              const std::string& id = "a1", int64_t limit_s = 300) {
    Event("action", rank,
          {{"action", action},
           {"action_id", id},
           {"outcome", outcome},
           {"by", std::string("ann")},
           {"limit_s", limit_s}});
  }
  void SetUp() override {
    CatalogTest::SetUp();
    Event("job_start", {}, {{"world_size", int64_t{2}}, {"run", std::string("r")}});
    Action("asked");
    EXPECT_FALSE(Row().pause);
    Action("held");
  }
};

TEST_F(PauseTest, AJobIsPausedUntilItIsResumed) {
  ASSERT_TRUE(Row().pause);
  EXPECT_EQ(Row().pause->by, "ann");
  EXPECT_EQ(Row().pause->limit_s, 300);
  EXPECT_EQ(Row().pause->since, time_ * base::kNsPerSecond);
  catalog_.reset();
  Open();
  ASSERT_TRUE(Row().pause) << "a restart knows it";
  Action("held", 0);
  EXPECT_TRUE(Row().pause);
  Action("resumed");
  EXPECT_FALSE(Row().pause);
}

TEST_F(PauseTest, RanksThatWentOnByThemselvesAreNotPaused) {
  Action("left", 1);
  EXPECT_FALSE(Row().pause);
}

TEST_F(PauseTest, AResumeOfAnotherServerEndsIt) {
  Action("resumed", {}, "resume_job", "a2");
  EXPECT_FALSE(Row().pause);
}

TEST_F(PauseTest, APausedJobHasNotStalledUntilItsLimitIsOver) {
  EXPECT_EQ(Row(200).state, "running");
  EXPECT_EQ(Row(361).state, "lost");
  EXPECT_FALSE(Row(361).pause);
}

TEST_F(PauseTest, AJobIsPausedForAWeekAtMostWhateverItsLimitIsSaidToBe) {
  Action("held", {}, "pause_job", "a1", INT64_MAX);
  EXPECT_EQ(Row(7 * 86400).state, "running");
  EXPECT_EQ(Row(8 * 86400).state, "lost");
}

}  // namespace
}  // namespace rankscope::catalog
