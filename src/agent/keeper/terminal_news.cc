#include "agent/keeper/terminal_news.h"

#include <unistd.h>

#include <cstdio>

#include "agent/run_directory.h"
#include "base/clock.h"

namespace rankscope::agent {
namespace {

constexpr int64_t kAlertsEvery = 100 * base::kNsPerMs;
constexpr int64_t kTroubleEvery = 500 * base::kNsPerMs;
constexpr int64_t kTroublePatience = 5 * base::kNsPerSecond;  // a server that is restarted is not worth a word

}  // namespace

void TerminalNews::Say(int64_t now) {
  if (now - alerts_read_at_ >= kAlertsEvery) SayAlerts(now);
  if (now - trouble_read_at_ >= kTroubleEvery) SayTrouble(now);
}

void TerminalNews::SayAlerts(int64_t now) {
  alerts_read_at_ = now;
  if (!wants_alerts_) return;
  for (const std::string& line : alerts_.Next()) pipes_->Announce("rankscope: " + line, now);
}

// A server that cannot be reached, and that it can be again: once each.
void TerminalNews::SayTrouble(int64_t now) {
  trouble_read_at_ = now;
  std::string why = ReadTrouble(run_directory_);
  if (why.empty()) {
    if (trouble_said_) pipes_->Announce("rankscope: the server takes records again\n", now);
    trouble_said_ = false;
    trouble_since_ = 0;
    return;
  }
  if (trouble_since_ == 0) trouble_since_ = now;
  if (trouble_said_ || now - trouble_since_ < kTroublePatience) return;
  trouble_said_ = true;
  pipes_->Announce("rankscope: " + why + "; records are kept, and sent when it answers\n", now);
}

void TerminalNews::SayRefused(int64_t now) {
  if (!agent_->done() || agent_->shipped()) return;
  std::string kept = "Nothing is sent; what the job prints is kept in " + run_directory_ + ".\n";
  pipes_->Announce("rankscope: " + agent_->LastWords() + kept, now);
}

void TerminalNews::SayUnacknowledged() const {
  Progress progress = ReadProgress(run_directory_);
  uint64_t remaining = progress.spooled - progress.acknowledged;
  std::string which = remaining == 0 ? "the last" : std::to_string(remaining);  // the agent is still reading them
  std::string why = ReadTrouble(run_directory_);
  if (!why.empty()) why = " (" + why + ")";
  dprintf(STDERR_FILENO, "rankscope: %s records are not yet acknowledged%s; they are kept in %s. %s\n", which.c_str(),
          why.c_str(), run_directory_.c_str(),
          agent_->alive() ? "An agent in the background goes on sending them."
                          : (agent_->LastWords() + "Send them with: rankscope spool push " + run_directory_).c_str());
}

}  // namespace rankscope::agent
