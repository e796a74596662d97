#include "agent/keeper/oom_watch.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace rankscope::agent {
namespace {

class OomWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "/rankscope_oom_watch_test";
    std::filesystem::remove_all(root_);
  }
  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  std::string root_;
};

TEST_F(OomWatchTest, OneKillIsLaidToOneRankOfTheCgroup) {
  for (const char* pid : {"10", "11"}) Write(std::string("/proc/") + pid + "/cgroup", "0::/job\n");
  Write("/sys/fs/cgroup/job/memory.events", "low 0\noom 3\noom_kill 2\n");
  OomWatch watch(root_);
  watch.Add(10);
  watch.Add(11);
  Write("/sys/fs/cgroup/job/memory.events", "low 0\noom 4\noom_kill 3\n");
  EXPECT_EQ(watch.Struck(10), true);
  EXPECT_EQ(watch.Struck(11), false);
}

TEST_F(OomWatchTest, ARanksOwnCgroupCountsNotTheKeepers) {
  Write("/proc/10/cgroup", "5:memory:/slurm/step_0\n4:cpu:/x\n0::/\n");
  Write("/proc/self/cgroup", "5:memory:/other\n");
  Write("/sys/fs/cgroup/memory/slurm/step_0/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n");
  OomWatch watch(root_);
  watch.Add(10);
  std::filesystem::remove_all(root_ + "/proc/10");  // it has died
  Write("/sys/fs/cgroup/memory/slurm/step_0/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
  EXPECT_EQ(watch.Struck(10), true);
}

TEST_F(OomWatchTest, KernelLogNamesTheVictimWhereNothingCounts) {
  Write("/proc/10/cgroup", "0::/\n");
  Write("/dev/kmsg", "6,1,1,-;Out of memory: Killed process 99 (old) total-vm:1kB\n");
  OomWatch watch(root_);
  watch.Add(10);
  std::ofstream(root_ + "/dev/kmsg", std::ios::app)
      << "6,2,2,-;Out of memory: Killed process 10 (python3) total-vm:1kB\n";
  EXPECT_EQ(watch.Struck(10), true);
  EXPECT_EQ(watch.Struck(99), std::nullopt);
}

TEST_F(OomWatchTest, SaysNothingWithoutACounter) {
  Write("/proc/10/cgroup", "0::/\n");
  OomWatch watch(root_);
  watch.Add(10);
  EXPECT_EQ(watch.Struck(10), std::nullopt);
  EXPECT_EQ(watch.Struck(99), std::nullopt);
}

}  // namespace
}  // namespace rankscope::agent
