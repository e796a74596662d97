#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "agent/alerts.h"
#include "agent/keeper/agent_process.h"
#include "agent/keeper/output_pipes.h"

namespace rankscope::agent {

// What a keeper says of its own on the run's terminal, a whole line at a time, each thing once: what the server found,
// and what becomes of the records. Times are monotonic. One thread.
class TerminalNews {
 public:
  // `alerts`: what the server finds is said, too. Pipes and agent outlive this.
  TerminalNews(std::string run_directory, bool alerts, OutputPipes* pipes, const AgentProcess* agent)
      : run_directory_(std::move(run_directory)),
        wants_alerts_(alerts),
        alerts_(run_directory_),
        pipes_(pipes),
        agent_(agent) {}

  // At each turn of the keeper's loop.
  void Say(int64_t now);
  // What the server has found, at once.
  void SayAlerts(int64_t now);
  // For the successor of a keeper: what that one has said.
  void SkipAlerts() { (void)alerts_.Next(); }
  // That the server takes nothing, where the agent gave up for that: who watches a long run must not learn it at its
  // end.
  void SayRefused(int64_t now);
  // What has not arrived when the keeper leaves, where it lies, and who sends it.
  void SayUnacknowledged() const;

 private:
  void SayTrouble(int64_t now);

  const std::string run_directory_;
  const bool wants_alerts_;
  AlertReader alerts_;
  OutputPipes* pipes_;
  const AgentProcess* agent_;
  int64_t alerts_read_at_ = 0;
  int64_t trouble_read_at_ = 0, trouble_since_ = 0;
  bool trouble_said_ = false;
};

}  // namespace rankscope::agent
