#include "agent/keeper/agent_process.h"

#include <sys/wait.h>
#include <unistd.h>

#include "agent/child_process.h"
#include "agent/pidfd.h"

namespace rankscope::agent {
namespace {

constexpr int64_t kKilledDelay = 500 * base::kNsPerMs;
constexpr int64_t kFailedDelay = 5 * base::kNsPerSecond;
constexpr int kRefused = 2;  // its exit code where it need not come back
constexpr int kKilled = -1;

}  // namespace

void AgentProcess::Start(const sigset_t& signals) {
  pid_ = StartDetached(command_, run_directory_ + "/agent.log", signals);
}

bool AgentProcess::StartAgain(const sigset_t& signals, int64_t monotonic_now) {
  if (alive() || done_ || monotonic_now < due_at_) return false;
  Start(signals);
  return true;
}

void AgentProcess::StartIfKilled(const sigset_t& signals) {
  if (!alive() && killed_) Start(signals);
}

void AgentProcess::Watch(EventLoop* loop) {
  pidfd_ = OpenPidfd(pid_);
  loop->Watch(pidfd_.get(), [this, loop] {
    loop->Forget(pidfd_.get());
    End(shipped() ? 0 : kKilled);
  });
}

bool AgentProcess::Reaped(pid_t pid, int wait_status) {
  if (pid != pid_) return false;
  End(WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : kKilled);
  return true;
}

void AgentProcess::End(int exit_code) {
  pid_ = -1;
  done_ = exit_code == 0 || exit_code == kRefused;
  killed_ = exit_code == kKilled;
  due_at_ = base::MonotonicNow() + (exit_code == kKilled ? kKilledDelay : kFailedDelay);
}

bool AgentProcess::shipped() const { return access((run_directory_ + "/run.json").c_str(), F_OK) != 0; }

std::string AgentProcess::LastWords() const {
  auto log = base::ReadWholeFile(run_directory_ + "/agent.log");
  if (!log.ok() || log->empty()) return "";
  size_t end = log->find_last_not_of('\n');
  std::string line = log->substr(0, end + 1);
  line.erase(0, line.rfind('\n') + 1);  // "rankscope: REASON"
  return "The agent ended: " + line.substr(line.starts_with("rankscope: ") ? 11 : 0) + ". ";
}

}  // namespace rankscope::agent
