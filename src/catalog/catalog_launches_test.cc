#include "catalog/job_state.h"
#include "catalog/testing/catalog_case.h"

namespace rankscope::catalog {
namespace {

TEST_F(CatalogTest, ElasticRestartThatSucceedsIsFinished) {
  Event("job_start", {}, {});
  Event("rank_exit", 1, {{"exit_code", int64_t{1}}}, 0);
  Event("rank_start", 1, {}, 1);
  Event("rank_exit", 1, {{"exit_code", int64_t{0}}}, 1);
  Event("node_end", {}, {{"exit_code", int64_t{0}}});
  EXPECT_EQ(Row().state, "finished");
  EXPECT_EQ(Row().attempt, 1);
}

TEST_F(CatalogTest, JobOfTwoNodesGoesOnUntilBothHaveEnded) {
  KeeperEvent("job_start", "a", 0, {}, {});
  KeeperEvent("job_start", "b", 1, {}, {});
  KeeperEvent("node_end", "a", 0, {}, {{"exit_code", int64_t{0}}});
  EXPECT_EQ(Row().state, "running");
  KeeperEvent("node_end", "b", 1, {}, {{"exit_code", int64_t{0}}});
  EXPECT_EQ(Row().state, "finished");
}

TEST_F(CatalogTest, KeeperForEachRankOfANodeEndsForItselfAlone) {
  for (int32_t rank : {0, 1}) {
    std::string run = "run of " + std::to_string(rank);
    KeeperEvent("job_start", run, 0, {}, {}, {}, "host h0 local " + std::to_string(rank));
    KeeperEvent("rank_start", run, 0, rank, {});
  }
  KeeperEvent("node_end", "run of 0", 0, {}, {{"exit_code", int64_t{0}}});
  EXPECT_EQ(Row().state, "running");
  KeeperEvent("node_end", "run of 1", 0, {}, {{"exit_code", int64_t{0}}});
  EXPECT_EQ(Row().state, "finished");
  EXPECT_EQ(Row().ranks_seen, 2);
}

TEST_F(CatalogTest, NodeThatComesLateDoesNotHideTheFirstFailure) {
  KeeperEvent("job_start", "a", 0, {}, {});
  KeeperEvent("rank_exit", "a", 0, 2, {{"signal", std::string("SIGKILL")}});
  KeeperEvent("node_end", "a", 0, {}, {{"exit_code", int64_t{1}}});
  KeeperEvent("job_start", "b", 1, {}, {});
  KeeperEvent("node_end", "b", 1, {}, {{"exit_code", int64_t{0}}});
  EXPECT_EQ(Row().state, "failed");
  EXPECT_EQ(Row().reason, "rank 2: SIGKILL");
}

TEST_F(CatalogTest, RelaunchUnderTheSameIdBeginsAnew) {
  KeeperEvent("job_start", "a", 0, {}, {});
  KeeperEvent("rank_start", "a", 0, 3, {});
  KeeperEvent("rank_exit", "a", 0, 3, {{"exit_code", int64_t{1}}});
  KeeperEvent("node_end", "a", 0, {}, {{"exit_code", int64_t{1}}});
  KeeperEvent("job_start", "b", 0, {}, {});
  EXPECT_EQ(Row().state, "running");
  EXPECT_EQ(Row().ranks_seen, 0);
  KeeperEvent("node_end", "b", 0, {}, {{"exit_code", int64_t{0}}});
  EXPECT_EQ(Row().state, "finished");
}

TEST_F(CatalogTest, RanksOfAnEarlierLaunchStayAndItsLateWordsChangeNothing) {
  KeeperEvent("job_start", "a", 0, {}, {{"command", "old"}});
  KeeperEvent("rank_start", "a", 0, 0, {});
  KeeperEvent("rank_exit", "a", 0, 0, {{"exit_code", int64_t{1}}});
  KeeperEvent("node_end", "a", 0, {}, {{"exit_code", int64_t{1}}});
  attempt_ = 1;
  KeeperEvent("job_start", "b", 0, {}, {});
  KeeperEvent("rank_start", "b", 0, 0, {});
  EXPECT_EQ(Row().state, "running");
  EXPECT_FALSE(Row().configuration.contains("command"));
  attempt_ = 0;
  KeeperEvent("job_start", "late", 3, {}, {{"command", "old"}});
  attempt_ = 1;
  KeeperEvent("node_end", "b", 0, {}, {{"exit_code", int64_t{0}}});
  Open();
  EXPECT_EQ(Row().state, "finished");
  EXPECT_FALSE(Row().configuration.contains("command"));
  auto ranks = *catalog_->Ranks("j");
  ASSERT_EQ(ranks.size(), 2U);
  EXPECT_EQ(ranks[0].attempt, 0);
  EXPECT_EQ(ranks[0].exit, "exit 1");
  EXPECT_EQ(ranks[1].attempt, 1);
}

TEST_F(CatalogTest, LaunchThatCouldNotAskForItsAttemptIsTheLastOneAllTheSame) {
  for (attempt_ = 0; attempt_ < 2; ++attempt_) {
    KeeperEvent("job_start", "a" + std::to_string(attempt_), 0, {}, {});
    KeeperEvent("node_end", "a" + std::to_string(attempt_), 0, {}, {{"exit_code", int64_t{1}}});
  }
  attempt_ = 0;
  KeeperEvent("job_start", "c", 0, {}, {});
  KeeperEvent("rank_start", "c", 0, 0, {});
  EXPECT_EQ(Row().state, "running");
  KeeperEvent("node_end", "c", 0, {}, {{"exit_code", int64_t{0}}});
  EXPECT_EQ(Row().state, "finished");
}

TEST_F(CatalogTest, LaunchAfterALongSilenceIsTheLastOneThoughItCouldNotAskAndNoNodeSaidItsEnd) {
  for (int32_t node : {0, 1}) KeeperEvent("job_start", "old " + std::to_string(node), node, {}, {});
  KeeperEvent("rank_exit", "old 0", 0, 2, {{"signal", std::string("SIGKILL")}});
  time_ += 3600;
  for (int32_t node : {0, 1}) KeeperEvent("job_start", "new " + std::to_string(node), node, {}, {});
  for (int32_t node : {0, 1}) {
    KeeperEvent("node_end", "new " + std::to_string(node), node, {}, {{"exit_code", int64_t{0}}});
  }
  EXPECT_EQ(Row().state, "finished");
}

TEST_F(CatalogTest, RanksAreKnownOfTheLastAttemptsOnly) {
  auto run_of = [this] { return "run " + std::to_string(attempt_); };
  for (attempt_ = 0; attempt_ < 100; ++attempt_) {
    KeeperEvent("job_start", run_of(), 0, {}, {});
    for (int32_t rank : {0, 1}) KeeperEvent("rank_exit", run_of(), 0, rank, {{"exit_code", int64_t{1}}});
    KeeperEvent("node_end", run_of(), 0, {}, {{"exit_code", int64_t{1}}});
  }
  attempt_ = 3;
  KeeperEvent("rank_start", run_of(), 0, 0, {});
  KeeperEvent("rank_gpu", run_of(), 0, 0, {{"gpu_uuid", std::string("GPU-1")}});
  KeeperEvent("rank_exit", run_of(), 0, 0, {{"exit_code", int64_t{1}}});
  Open();
  auto ranks = *catalog_->Ranks("j");
  ASSERT_EQ(ranks.size(), 2 * JobState::kKeptAttempts);
  EXPECT_EQ(ranks.front().attempt, 84);
  EXPECT_EQ(ranks.back().attempt, 99);
  EXPECT_EQ(Row().reason, "rank 0: exit 1");
}

TEST_F(CatalogTest, JobThatWasDeletedBeginsWithItsFirstAttemptAgain) {
  auto first_attempt = [this] { return catalog_->FirstAttempt("j", "node 0", time_ * base::kNsPerSecond, kLostAfter); };
  for (attempt_ = 0; attempt_ < 2; ++attempt_) {
    EXPECT_EQ(first_attempt(), attempt_);
    KeeperEvent("job_start", "r" + std::to_string(attempt_), 0, {}, {});
    KeeperEvent("node_end", "r" + std::to_string(attempt_), 0, {}, {{"exit_code", int64_t{1}}});
  }
  ASSERT_TRUE(catalog_->DeleteJob("j").ok());
  EXPECT_EQ(first_attempt(), 0);
}

}  // namespace
}  // namespace rankscope::catalog
