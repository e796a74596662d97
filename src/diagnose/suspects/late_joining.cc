#include "diagnose/suspects/late_joining.h"

#include <algorithm>

#include "diagnose/suspects/culprit.h"

namespace rankscope::diagnose {
namespace {

// What is left of a rendezvous that fails after the training had begun: the others had gone.
constexpr int kLostStore = 30;

bool IsOfJoining(const Suspect& suspect) {
  return suspect.failure == "rendezvous_failed" || (suspect.failure == "gloo_error" && suspect.kind == "connect");
}

// Who raises something of its own before it has joined leaves the others waiting for it.
void DemoteRendezvousThatAFailureExplains(const Reading& reading, std::vector<Suspect>* suspects) {
  auto explains = [&](const Suspect& suspect, const Suspect& waits) {
    bool raised = suspect.traceback != Traceback::kNone && suspect.role <= Role::kSymptom && !IsVictimsWord(suspect);
    if (!raised || suspect.failure == waits.failure) return false;
    if (suspect.rank && waits.rank) return suspect.rank != waits.rank;
    return IsKnownToFollow(reading, waits.line, suspect.line);
  };
  const std::vector<Suspect> all = *suspects;  // as they are before any is demoted
  for (Suspect& waits : *suspects) {
    if (!IsOfJoining(waits) || waits.kind == "port in use") continue;
    if (std::none_of(all.begin(), all.end(), [&](const Suspect& s) { return explains(s, waits); })) continue;
    waits.role = Role::kCascade;
    waits.score = std::min(waits.score, kLostStore);
  }
}

// An exception of the same rank stands before it in its file: this is of a launch after that.
bool FollowsOwnFailure(const Reading& reading, const std::vector<Suspect>& suspects, const Suspect& suspect) {
  const auto& lines = reading.read->lines;
  return suspect.rank && std::any_of(suspects.begin(), suspects.end(), [&](const Suspect& other) {
           return other.rank == suspect.rank && other.traceback != Traceback::kNone && !IsOfJoining(other) &&
                  lines[other.line].file == lines[suspect.line].file && other.line < suspect.line;
         });
}

// The launcher saw a rank die by a signal, and later the same one end otherwise: this is of what was started after
// that.
bool FollowsDeathBeforeRestart(const Reading& reading, const Suspect& suspect) {
  auto again = [&](const Exit& died) {
    return std::any_of(reading.exits.begin(), reading.exits.end(), [&](const Exit& other) {
      return RankOf(other) && RankOf(other) == RankOf(died) && other.signal != died.signal && other.line > died.line &&
             reading.read->lines[other.line].file == reading.read->lines[died.line].file;
    });
  };
  return std::any_of(reading.exits.begin(), reading.exits.end(), [&](const Exit& died) {
    return died.signal && died.signal != kSigterm && IsKnownToFollow(reading, suspect.line, died.line) && again(died);
  });
}

// A peer went before, so that all had joined.
bool FollowsALoss(const Reading& reading, const std::vector<Suspect>& suspects, const Suspect& suspect) {
  return std::any_of(suspects.begin(), suspects.end(), [&](const Suspect& other) {
    return other.kind == "peer closed" && IsKnownToFollow(reading, suspect.line, other.line);
  });
}

void DemoteWhatCameAfterTheStart(const Reading& reading, std::vector<Suspect>* suspects) {
  const size_t never = reading.positions.size();
  const size_t first = reading.points.empty() ? never : reading.positions[reading.points.front().line];
  const std::vector<Suspect> all = *suspects;  // as they are before any is demoted
  for (Suspect& suspect : *suspects) {
    if (!IsOfJoining(suspect)) continue;
    const bool late = reading.positions[suspect.line] >= first || FollowsOwnFailure(reading, all, suspect) ||
                      FollowsDeathBeforeRestart(reading, suspect) || FollowsALoss(reading, all, suspect);
    if (!late) continue;
    suspect.role = Role::kCascade;
    suspect.score = std::min(suspect.score, kLostStore);
  }
}

}  // namespace

void DemoteLateJoining(const Reading& reading, std::vector<Suspect>* suspects) {
  DemoteWhatCameAfterTheStart(reading, suspects);
  DemoteRendezvousThatAFailureExplains(reading, suspects);
}

}  // namespace rankscope::diagnose
