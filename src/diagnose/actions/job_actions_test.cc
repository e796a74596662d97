#include "diagnose/actions/job_actions.h"

#include <gtest/gtest.h>

namespace rankscope::diagnose {
namespace {

// The actions of a server to which all agents are connected.
JobActions::Ways ReadyWays() {
  JobActions::Ways ways;
  ways.starting = [](const std::string&, const std::string&) { return false; };
  return ways;
}

TEST(JobActions, ThatAreStoppingLeaveWhatIsWantedToTheNextServer) {
  JobActions actions(ReadyWays());
  ActionRequest request;
  request.action.name = "pause_job";
  EXPECT_TRUE(actions.CanBegin(request).ok());
  actions.Stop();
  EXPECT_EQ(actions.CanBegin(request).code(), base::Code::kUnavailable);
}

}  // namespace
}  // namespace rankscope::diagnose
