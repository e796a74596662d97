#include "agent/silent_ranks.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
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
  void Start(std::vector<std::string> command = {"/bin/sleep", "1000"}) {
    std::string rings = "RANKSCOPE_RINGS=" + rings_;
    pid_ = fork();
    if (pid_ == 0) {
      char rank[] = "RANK=3", local[] = "LOCAL_RANK=3", size[] = "WORLD_SIZE=4";
      char* environment[] = {rings.data(), rank, local, size, nullptr};
      std::vector<char*> words;
      for (std::string& word : command) words.push_back(word.data());
      words.push_back(nullptr);
      execve(words[0], words.data(), environment);
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
  Start();
  EXPECT_EQ(Look(), Names());
  EXPECT_EQ(Look(), Names{"rank_start"});
  EXPECT_EQ(Look(), Names());
  End();
  EXPECT_EQ(Look(), Names{"rank_exit"});
  EXPECT_EQ(Look(), Names());
}

TEST_F(SilentRanksTest, OneThatEndsRightAfterItsStartIsToldHasAnEnd) {
  Start();
  EXPECT_EQ(Look(), Names());
  EXPECT_EQ(Look(), Names{"rank_start"});
  End();
  EXPECT_EQ(EndsOnly(), Names{"rank_exit"});
}

TEST_F(SilentRanksTest, TheEndOfOneThatGetsItsChannelLateIsTheKeepersToTell) {
  const std::string pipe = rings_ + ".pipe", go = rings_ + ".go";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  Start({"/usr/bin/python3", "-c",
         "import os, sys, time\n"
         "while not os.path.exists(sys.argv[1]): time.sleep(0.01)\n"
         "os.dup2(os.open(sys.argv[2], os.O_WRONLY), 1)\n"
         "time.sleep(1000)\n",
         go, pipe});
  EXPECT_EQ(Look(), Names());
  EXPECT_EQ(Look(), Names{"rank_start"});
  prctl(PR_SET_NAME, "rankscope");  // as a keeper is called, that holds the other end
  base::UniqueFd keepers(open(pipe.c_str(), O_RDONLY | O_NONBLOCK));
  close(open(go.c_str(), O_CREAT | O_WRONLY, 0600));
  auto has_channel = [this] {
    std::set<pid_t> with_channel;
    FindSilentRanks(&with_channel);
    return with_channel.contains(pid_);
  };
  while (!has_channel()) poll(nullptr, 0, 5);
  EXPECT_EQ(Look(), Names());
  End();
  EXPECT_EQ(Look(), Names());
  unlink(pipe.c_str());
  unlink(go.c_str());
}

TEST_F(SilentRanksTest, OneThatIsSeenOnceIsNotTold) {
  Start();
  EXPECT_EQ(Look(), Names());
  End();
  EXPECT_EQ(Look(), Names());
}

}  // namespace
}  // namespace rankscope::agent
