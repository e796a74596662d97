#include <algorithm>

#include "diagnose/reading.h"
#include "diagnose/suspect.h"
#include "diagnose/verdict.h"

namespace rankscope::diagnose {
namespace {

// Below, a line may stand in any healthy log.
constexpr int kLeastScore = 28;
// Suspects so near to each other are told apart by who came first.
constexpr int kAsGood = 3;

const Suspect* Choose(const Reading& reading, const std::vector<Suspect>& suspects) {
  int best = 0;
  for (const Suspect& suspect : suspects) best = std::max(best, suspect.score);
  const Suspect* chosen = nullptr;
  for (const Suspect& suspect : suspects) {
    if (suspect.score < std::max(kLeastScore, best - kAsGood)) continue;
    if (!chosen || reading.positions[suspect.line] < reading.positions[chosen->line]) chosen = &suspect;
  }
  return chosen;
}

}  // namespace

Verdict Diagnose(const Case& read) {
  Reading reading = Understand(read);
  std::vector<Suspect> suspects = FindSuspects(reading);
  Verdict verdict;
  const Suspect* chosen = Choose(reading, suspects);
  if (!chosen) return verdict;
  verdict.healthy = false;
  verdict.failure = chosen->failure;
  verdict.kind = chosen->kind;
  verdict.root = chosen->line;
  verdict.root_line = std::string(reading.text(chosen->line));
  if (chosen->rank) verdict.culprit = Culprit{{}, chosen->rank, {}};
  return verdict;
}

}  // namespace rankscope::diagnose
