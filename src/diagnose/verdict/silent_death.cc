#include "diagnose/verdict/silent_death.h"

#include <algorithm>

namespace rankscope::diagnose {
namespace {

// Of silent deaths, those that were the ends of ranks which had left out a collective.
constexpr double kLeftOut = 0.2;

}  // namespace

void CallSilentDeathByName(const Reading& reading, const Suspect& cause, bool silent, Blame* blame, Verdict* verdict) {
  bool closed = cause.kind == "peer closed" || cause.kind == "remote";
  if (!closed || (blame->ranks.empty() && !silent) || !reading.exits.empty()) return;
  verdict->failure = "host_oom_killed";
  verdict->kind = "silent_death";
  verdict->confidence = 0.4;
  verdict->alternatives.push_back({"collective_mismatch_hang", kLeftOut,
                                   "a rank that came to its end without a collective of the others looks alike"});
  blame->would_settle.resize(std::min<size_t>(1, blame->would_settle.size()));  // who it was, where that is open
  blame->would_settle.emplace_back("how the process ended: the launcher's log, dmesg, the cgroup's memory.events");
}

void CallSilentAttemptByName(const Reading& reading, const Suspect& cause, Blame* blame, Verdict* verdict) {
  const bool joining =
      cause.failure == "rendezvous_failed" || (cause.failure == "gloo_error" && cause.kind == "connect");
  if (!joining || !reading.points.empty() || !reading.exits.empty()) return;
  verdict->failure = "host_oom_killed";
  verdict->kind = "silent_death";
  verdict->confidence = 0.4;
  verdict->culprits.clear();
  verdict->culprit.reset();
  *blame = {{}, "", {"how the processes of the first attempt ended: the launcher's log, dmesg, memory.events"}};
}

}  // namespace rankscope::diagnose
