#include "diagnose/slowness/chance.h"

#include <algorithm>
#include <cmath>

namespace rankscope::diagnose {
namespace {

double LogChoose(size_t n, size_t k) {
  auto factorial = [](size_t number) { return std::lgamma(static_cast<double>(number) + 1); };
  return factorial(n) - factorial(k) - factorial(n - k);
}

}  // namespace

double LogChanceOfHits(size_t total, size_t marked, size_t draws, size_t hits) {
  const size_t most = std::min(marked, draws);
  const size_t fewest = draws + marked > total ? draws + marked - total : 0;
  if (hits <= fewest) return 0;
  // Summed from the largest term on: the terms fall.
  double sum = 0, first = 0;
  for (size_t k = hits; k <= most; ++k) {
    double term = LogChoose(marked, k) + LogChoose(total - marked, draws - k) - LogChoose(total, draws);
    if (k == hits) first = term;
    sum += std::exp(term - first);
  }
  return std::min(0.0, (first + std::log(sum)) / std::log(10.0));
}

Crowding FindCrowding(const std::vector<double>& keys, const std::vector<bool>& marked, size_t total,
                      size_t marked_total) {
  Crowding best;
  size_t hits = 0;
  bool fresh = false;  // a marked one came: else the beginning is likelier than the one before
  for (size_t i = 0; i < keys.size(); ++i) {
    hits += marked[i] ? 1 : 0;
    fresh = fresh || marked[i];
    bool together = i + 1 < keys.size() && keys[i + 1] == keys[i];
    if (together || !fresh) continue;
    fresh = false;
    double log_chance = LogChanceOfHits(total, marked_total, i + 1, hits);
    if (log_chance < best.log_chance) best = {log_chance, i + 1, hits};
  }
  return best;
}

}  // namespace rankscope::diagnose
