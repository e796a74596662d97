#include "monitor/launch_attempts.h"

#include <gtest/gtest.h>

namespace rankscope::monitor {
namespace {

// The records of a job of several nodes, on a clock of whole seconds; none of its launches could ask how many there
// were.
class LaunchAttemptsTest : public testing::Test {
 protected:
  int32_t Event(const std::string& name, int launch, int node, int32_t attempt = 0) {
    model::Record record;
    record.origin.attempt = attempt;
    record.stream = model::Stream::kEvent;
    record.time = now_ * base::kNsPerSecond;
    const std::string member = "node " + std::to_string(node);
    record.fields = {{"event", name}, {"run", member + " of " + std::to_string(launch)}, {"member", member}};
    return attempts_.Of(record);
  }

  LaunchAttempts attempts_;
  int64_t now_ = 1000;
};

TEST_F(LaunchAttemptsTest, LaunchWhoseNodesAllEndedIsFollowedByAnother) {
  for (int node : {0, 1}) EXPECT_EQ(Event("job_start", 1, node), 0);
  EXPECT_EQ(Event("rank_start", 1, 0, 2), 2) << "an elastic restart";
  for (int node : {0, 1}) Event("node_end", 1, node);
  for (int node : {1, 0}) EXPECT_EQ(Event("job_start", 2, node), 3);
}

TEST_F(LaunchAttemptsTest, NodeThatComesBackWhileAnotherGoesOnIsOfTheSameLaunch) {
  for (int node : {0, 1}) Event("job_start", 1, node);
  Event("node_end", 1, 1);
  EXPECT_EQ(Event("job_start", 2, 1), 0);
}

TEST_F(LaunchAttemptsTest, NodeThatDiedWithoutAWordDoesNotGoOnForEver) {
  for (int node : {0, 1}) Event("job_start", 1, node);
  Event("node_end", 1, 0);
  now_ += 3600;
  Event("diagnosis", 1, 0);  // what others say of the job is no sign of its life
  for (int node : {0, 1}) EXPECT_EQ(Event("job_start", 2, node), 1);
}

TEST_F(LaunchAttemptsTest, AttemptsThatTheServerCountedAreTakenAsTheyAre) {
  for (int node : {0, 1}) Event("job_start", 1, node);
  Event("node_end", 1, 0);
  now_ += 3600;
  for (int node : {0, 1}) EXPECT_EQ(Event("job_start", 2, node, 1), 1);
}

}  // namespace
}  // namespace rankscope::monitor
