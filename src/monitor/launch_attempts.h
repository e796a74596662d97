#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "model/record.h"

namespace rankscope::monitor {

// Numbers the attempts of a job that was launched several times under one id through all its launches, each of which
// begins to count anew where no server could tell it how many there were: a launch is another one when a node comes
// again and no other of its nodes goes on, or when one comes after a silence of catalog::JobState::kSilentLaunch.
class LaunchAttempts {
 public:
  // The attempt that the record is of. REQUIRES all records of the job, in the order of their time.
  int32_t Of(const model::Record& record);
  // The first attempt of the last launch; 0: there was one only.
  int32_t last_launch() const { return last_launch_; }

 private:
  struct Run {
    std::string member;
    bool ended = false;
  };

  void Start(const model::Record& record);

  std::map<std::string, Run> runs_;  // of the launch: `rankscope run` on each of its nodes
  int32_t before_ = 0;               // attempts of the launches before
  int32_t highest_ = 0;
  int32_t last_launch_ = 0;
  base::TimeNs last_word_ = 0;  // of the job itself
};

}  // namespace rankscope::monitor
