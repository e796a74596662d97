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
  int32_t FirstAttempt(const std::string& member) {
    return launches_.FirstAttempt("k", member, now_ * base::kNsPerSecond, kLostAfter, [this](const std::string& job) {
      auto found = jobs_.find(job);
      return found == jobs_.end() ? nullptr : &found->second;
    });
  }
  void Start(const std::string& job, const std::string& member, int32_t attempt = 0) {
    Event(job, member, "job_start", attempt);
  }
  void End(const std::string& job, const std::string& member, int32_t attempt = 0) {
    Event(job, member, "node_end", attempt);
  }
  void Event(const std::string& job, const std::string& member, const std::string& name, int32_t attempt) {
    model::Record record;
    record.origin.job = job;
    record.origin.attempt = attempt;
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

TEST_F(LaunchesTest, RelaunchOfANamedJobBeginsWithAnAttemptOfItsOwn) {
  for (const char* member : {"node 0", "node 1"}) {
    EXPECT_EQ(FirstAttempt(member), 0);
    Start("k", member);
  }
  EXPECT_EQ(FirstAttempt("node 1"), 0) << "it comes back while node 0 goes on";
  for (const char* member : {"node 0", "node 1"}) End("k", member);
  now_ += 3600;
  EXPECT_EQ(FirstAttempt("node 1"), 1);
  EXPECT_EQ(FirstAttempt("node 0"), 1) << "of the same launch, though nothing is heard of it yet";
  for (const char* member : {"node 0", "node 1"}) Start("k", member, 1);
  launches_ = Launches();  // a restarted server
  EXPECT_EQ(FirstAttempt("node 1"), 1);
  for (const char* member : {"node 0", "node 1"}) End("k", member, 1);
  EXPECT_EQ(FirstAttempt("node 0"), 2);
}

TEST_F(LaunchesTest, NodeThatComesLateToARelaunchThatHasFailedBelongsToIt) {
  for (const char* member : {"node 0", "node 1"}) {
    FirstAttempt(member);
    Start("k", member);
  }
  for (const char* member : {"node 0", "node 1"}) End("k", member);
  now_ += 3600;
  EXPECT_EQ(FirstAttempt("node 0"), 1);
  Start("k", "node 0", 1);
  now_ += 3;
  End("k", "node 0", 1);
  EXPECT_EQ(FirstAttempt("node 1"), 1);
  EXPECT_EQ(FirstAttempt("node 0"), 1) << "node 1 is still coming";
}

TEST_F(LaunchesTest, RelaunchOfANamedJobCountsOnFromItsElasticRestarts) {
  FirstAttempt("node 0");
  Start("k", "node 0");
  Event("k", "node 0", "rank_start", 3);
  End("k", "node 0");
  EXPECT_EQ(FirstAttempt("node 0"), 4);
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
