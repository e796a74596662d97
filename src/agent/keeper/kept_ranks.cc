#include "agent/keeper/kept_ranks.h"

#include <sys/wait.h>

#include <optional>
#include <utility>

#include "agent/life_events.h"
#include "agent/pidfd.h"
#include "base/clock.h"
#include "model/event.h"

namespace rankscope::agent {
namespace {

model::Record RankStart(const RankGreeting& greeting) {
  model::Record start = model::MakeEvent("rank_start", base::WallNow(), NameOf(greeting.origin) + " started");
  start.origin = greeting.origin;
  start.fields.emplace_back("pid", static_cast<int64_t>(greeting.pid));
  start.fields.insert(start.fields.end(), greeting.about.begin(), greeting.about.end());
  return start;
}

}  // namespace

KeptRanks::KeptRanks(EventLoop* loop, CaptureWriter* capture, OutputPipes* pipes, std::function<void()> changed)
    : loop_(loop), capture_(capture), pipes_(pipes), changed_(std::move(changed)) {}

void KeptRanks::Start(const RankGreeting& greeting) {
  capture_->Record(RankStart(greeting));
  base::UniqueFd pidfd = OpenPidfd(greeting.pid);
  if (!pidfd.valid()) return;
  oom_.Add(greeting.pid);
  ranks_[greeting.pid] = {std::move(pidfd), greeting.origin, greeting.error_file};
  for (int fd : greeting.files) pipes_->FollowFile(greeting.origin, greeting.pid, fd);
  Watch(greeting.pid);
}

void KeptRanks::WatchAll() {
  for (const auto& [pid, rank] : ranks_) Watch(pid);
}

void KeptRanks::Watch(pid_t pid) {
  loop_->Watch(ranks_.at(pid).pidfd.get(), [this, pid] { End(pid); });
}

void KeptRanks::End(pid_t pid) {
  auto found = ranks_.find(pid);
  if (found == ranks_.end()) return;
  Rank rank = std::move(found->second);
  ranks_.erase(found);
  auto status = ReadExitStatus(rank.pidfd.get(), pid);
  loop_->Forget(rank.pidfd.get());
  pipes_->Drain(pid);  // its last words come before the news of its end
  bool killed = status && WIFSIGNALED(status->wait_status) && WTERMSIG(status->wait_status) == SIGKILL;
  model::Record exit = RankExit(rank.origin, pid, status, killed ? oom_.Struck(pid) : std::nullopt);
  exit.time = pipes_->Now();
  if (std::string error = ReadErrorFile(rank.error_file); !error.empty()) exit.fields.emplace_back("error", error);
  capture_->Record(exit);
  changed_();
}

}  // namespace rankscope::agent
