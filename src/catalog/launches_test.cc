#include "catalog/launches.h"

#include <gtest/gtest.h>

#include <optional>

namespace rankscope::catalog {
namespace {

constexpr int64_t kLostAfter = 60 * base::kNsPerSecond;

// Launches beside the jobs that their records make, on a clock of whole seconds.
class LaunchesTest : public testing::Test {
 protected:
  std::string Join(const std::string& member) {
    return launches_.Join("k", member, now_ * base::kNsPerSecond, kLostAfter, [this](const std::string& job) {
      auto found = jobs_.find(job);
      return found == jobs_.end() ? nullptr : &found->second;
    });
  }
  void Start(const std::string& job, const std::string& member) { Event(job, member, "job_start"); }
  void End(const std::string& job, const std::string& member) { Event(job, member, "node_end"); }
  void Event(const std::string& job, const std::string& member, const std::string& name) {
    model::Record record;
    record.origin.job = job;
    record.stream = model::Stream::kEvent;
    record.time = now_ * base::kNsPerSecond;
    record.fields = {{"event", name}, {"run", "run of " + member}, {"member", member}, {"exit_code", int64_t{0}}};
    jobs_[job].Take(record);
  }

  Launches launches_;
  std::map<std::string, JobState> jobs_;
  int64_t now_ = 1000;
};

TEST_F(LaunchesTest, NodesOfOneLaunchAgreeBeforeAndAfterTheirFirstRecords) {
  EXPECT_EQ(Join("node 0"), "k");
  EXPECT_EQ(Join("node 1"), "k");
  Start("k", "node 0");
  now_ += 30;
  EXPECT_EQ(Join("node 2"), "k");
}

TEST_F(LaunchesTest, RelaunchIsANewJobWhicheverNodeComesFirst) {
  for (const char* member : {"node 0", "node 1"}) Start(Join(member), member);
  now_ += 5;
  for (const char* member : {"node 0", "node 1"}) End("k", member);
  now_ += 5;
  EXPECT_EQ(Join("node 1"), "k.2");
  EXPECT_EQ(Join("node 0"), "k.2");
  Start("k.2", "node 0");
  Start("k.2", "node 1");
  End("k.2", "node 0");
  End("k.2", "node 1");
  EXPECT_EQ(Join("node 0"), "k.3");
}

TEST_F(LaunchesTest, NodeThatComesAfterTheOthersFailedBelongsToThem) {
  Start(Join("node 0"), "node 0");
  now_ += 3;
  End("k", "node 0");
  EXPECT_EQ(Join("node 1"), "k");
}

TEST_F(LaunchesTest, NodeThatIsReplacedComesBackToItsElasticLaunch) {
  for (const char* member : {"node 0", "node 1"}) Start(Join(member), member);
  End("k", "node 1");
  now_ += 30;
  EXPECT_EQ(Join("node 1"), "k");
}

TEST_F(LaunchesTest, KilledRunOfOneNodeDoesNotHoldItsRelaunch) {
  Start(Join("node 0"), "node 0");
  now_ += 1;
  EXPECT_EQ(Join("node 0"), "k.2");
}

TEST_F(LaunchesTest, LaunchThatWentSilentIsOver) {
  for (const char* member : {"node 0", "node 1"}) Start(Join(member), member);
  now_ += 3600;
  EXPECT_EQ(Join("node 0"), "k.2");
}

TEST_F(LaunchesTest, RestartedServerKnowsTheLaunchesByTheirJobs) {
  Start(Join("node 0"), "node 0");
  launches_ = Launches();
  EXPECT_EQ(Join("node 1"), "k");
  End("k", "node 0");
  EXPECT_EQ(Join("node 0"), "k") << "node 1 is still coming";
}

}  // namespace
}  // namespace rankscope::catalog
