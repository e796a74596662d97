#pragma once

#include <csignal>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "agent/keeper/event_loop.h"
#include "base/clock.h"
#include "base/file.h"

namespace rankscope::agent {

// The run's agent, started detached, and again when it was killed or could not work: until it has shipped everything
// or the server has refused it for good. One thread.
class AgentProcess {
 public:
  AgentProcess(std::vector<std::string> command, std::string run_directory)
      : command_(std::move(command)), run_directory_(std::move(run_directory)) {}

  void Start(const sigset_t& signals);
  // Starts it anew where it is missing, but not in a hurry. Whether it did.
  bool StartAgain(const sigset_t& signals, int64_t monotonic_now);
  // Starts it anew at once where it was killed: for a keeper that leaves.
  void StartIfKilled(const sigset_t& signals);
  // Notices its end on the loop: for the keeper's successor, whose child it is not.
  void Watch(EventLoop* loop);
  // Whether the pid, which waitpid has given with this status, was the agent's.
  bool Reaped(pid_t pid, int wait_status);

  bool alive() const { return pid_ > 0; }
  // It need not come back.
  bool done() const { return done_; }
  // Whether it has shipped everything: it removes the run directory then.
  bool shipped() const;
  // Why it gave up, as a sentence and a space; empty where it said nothing.
  std::string LastWords() const;

 private:
  void End(int exit_code);

  const std::vector<std::string> command_;
  const std::string run_directory_;
  pid_t pid_ = -1;
  base::UniqueFd pidfd_;
  bool done_ = false, killed_ = false;
  int64_t due_at_ = 0;  // monotonic
};

}  // namespace rankscope::agent
