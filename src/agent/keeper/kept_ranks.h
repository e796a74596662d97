#pragma once

#include <functional>
#include <map>
#include <string>

#include "agent/capture.h"
#include "agent/keeper/event_loop.h"
#include "agent/keeper/oom_watch.h"
#include "agent/keeper/output_pipes.h"
#include "agent/keeper/rank_door.h"
#include "base/file.h"

namespace rankscope::agent {

// The ranks that have pipes of their own: their start and their end go into the capture. One thread.
class KeptRanks {
 public:
  // `changed` is called after each end. Loop, capture and pipes outlive this.
  KeptRanks(EventLoop* loop, CaptureWriter* capture, OutputPipes* pipes, std::function<void()> changed);

  void Start(const RankGreeting& greeting);
  // In a forked child, on the same loop renewed.
  void WatchAll();
  bool empty() const { return ranks_.empty(); }
  size_t size() const { return ranks_.size(); }

 private:
  struct Rank {
    base::UniqueFd pidfd;
    model::Origin origin;
    std::string error_file;
  };

  void Watch(pid_t pid);
  void End(pid_t pid);

  EventLoop* loop_;
  CaptureWriter* capture_;
  OutputPipes* pipes_;
  const std::function<void()> changed_;
  std::map<pid_t, Rank> ranks_;
  OomWatch oom_;
};

}  // namespace rankscope::agent
