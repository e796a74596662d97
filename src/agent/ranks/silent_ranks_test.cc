#include "agent/ranks/silent_ranks.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/clock.h"

namespace rankscope::agent {
namespace {

// A rank that is no Python: `sleep`, as a launcher of a run with these rings would start it.
class SilentRanksTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string rings = "RANKSCOPE_RINGS=" + rings_;
    pid_ = fork();
    if (pid_ == 0) {
      char rank[] = "RANK=3", local[] = "LOCAL_RANK=3", size[] = "WORLD_SIZE=4";
      char* environment[] = {rings.data(), rank, local, size, nullptr};
      execle("/bin/sleep", "sleep", "1000", nullptr, environment);
      _exit(127);
    }
    auto is_there = [this] {
      auto ranks = FindSilentRanks();
      return std::any_of(ranks.begin(), ranks.end(), [this](const auto& rank) { return rank.pid == pid_; });
    };
    while (!is_there()) poll(nullptr, 0, 5);
  }
  void TearDown() override { End(); }
  void End() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(std::exchange(pid_, 0), nullptr, 0);
  }
  // A second later.
  std::vector<std::string> Look() { return NamesOf(watch_.Look(now_ += base::kNsPerSecond)); }
  std::vector<std::string> EndsOnly() { return NamesOf(watch_.Ends()); }
  static std::vector<std::string> NamesOf(const std::vector<model::Record>& events) {
    std::vector<std::string> names;
    for (const model::Record& event : events) {
      EXPECT_EQ(event.origin.rank, 3);
      names.push_back(std::get<std::string>(*model::FindField(event.fields, "event")));
    }
    return names;
  }

  const std::string rings_ = testing::TempDir() + "/silent_ranks_" + std::to_string(getpid());
  SilentRankWatch watch_{rings_};
  pid_t pid_ = 0;
  int64_t now_ = base::kNsPerSecond;
};

using Names = std::vector<std::string>;

TEST_F(SilentRanksTest, OneThatIsSeenTwiceHasAStartAndAnEnd) {
  EXPECT_EQ(Look(), Names());
  EXPECT_EQ(Look(), Names{"rank_start"});
  EXPECT_EQ(Look(), Names());
  End();
  EXPECT_EQ(Look(), Names{"rank_exit"});
  EXPECT_EQ(Look(), Names());
}

TEST_F(SilentRanksTest, OneThatEndsRightAfterItsStartIsToldHasAnEnd) {
  EXPECT_EQ(Look(), Names());
  EXPECT_EQ(Look(), Names{"rank_start"});
  End();
  EXPECT_EQ(EndsOnly(), Names{"rank_exit"});
}

// A Python rank of a loaded node, whose bootstrap takes longer than from one look to the next.
TEST_F(SilentRanksTest, OneThatGetsAChannelAfterItsStartWasToldHasItsEndFromTheKeeperAlone) {
  EXPECT_EQ(Look(), Names());
  EXPECT_EQ(Look(), Names{"rank_start"});
  model::Record start;
  start.fields = {{"event", std::string("rank_start")}, {"pid", int64_t{pid_}}};
  watch_.Hear(start);
  EXPECT_EQ(Look(), Names());
  EXPECT_EQ(Look(), Names());
  End();
  EXPECT_EQ(Look(), Names());
  EXPECT_EQ(EndsOnly(), Names());
}

TEST_F(SilentRanksTest, OneThatIsSeenOnceIsNotTold) {
  EXPECT_EQ(Look(), Names());
  End();
  EXPECT_EQ(Look(), Names());
}

}  // namespace
}  // namespace rankscope::agent
