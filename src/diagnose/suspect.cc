#include "diagnose/suspect.h"

#include <algorithm>

namespace rankscope::diagnose {
namespace {

// What a logger calls a warning or a note ended nothing by itself, as a rule.
constexpr int kWarned = 30;
// A line outside any traceback names what went wrong less surely than an exception does.
constexpr int kLoose = 8;
// Other ranks finish the step they are in after one of them has failed.
constexpr int kStepsOfOthers = 3;

bool IsWarning(const Reading& reading, size_t line) {
  char level = reading.bodies[line].level;
  return level == 'W' || level == 'I' || level == 'D';
}

int ScoreOf(const Reading& reading, const Sighting& sighting) {
  const Signature& signature = *sighting.signature;
  int score = signature.weight;
  bool lives = signature.life == Life::kGoesOn;
  if (!lives && IsWarning(reading, sighting.line) && signature.role != Role::kOutcome) score -= kWarned;
  if (!lives && sighting.traceback == Traceback::kNone && signature.weight < 80) score -= kLoose;
  return score;
}

}  // namespace

bool WentOnAfter(const Reading& reading, size_t line) {
  const size_t place = reading.positions[line];
  auto after = [&](size_t other) { return reading.positions[other] > place; };
  if (std::any_of(reading.finished.begin(), reading.finished.end(), after)) return true;
  int own = 0, any = 0;
  const auto& rank = reading.ranks[line];
  for (const Point& point : reading.points) {
    if (!after(point.line)) continue;
    ++any;
    if (rank && point.rank == rank) ++own;
  }
  return rank && own > 0 ? own > 1 : any >= kStepsOfOthers;
}

std::optional<size_t> ReportedEnd(const Reading& reading) {
  for (const Sighting& sighting : reading.sightings) {
    bool outcome = sighting.signature->role == Role::kOutcome ||
                   (sighting.signature->failure == "python_exception_one_rank" && sighting.signature->role == Role::kCascade);
    if (outcome) return sighting.line;
  }
  return std::nullopt;
}

std::vector<Suspect> FindSuspects(const Reading& reading) {
  std::vector<Suspect> suspects;
  for (const Sighting& sighting : reading.sightings) {
    const Signature& signature = *sighting.signature;
    if (signature.life == Life::kEnds && WentOnAfter(reading, sighting.line)) continue;
    suspects.push_back({sighting.line, signature.failure, signature.kind, signature.role, ScoreOf(reading, sighting),
                        reading.ranks[sighting.line], sighting.traceback, {}});
  }
  return suspects;
}

}  // namespace rankscope::diagnose
