#pragma once

#include <cstddef>
#include <vector>

namespace rankscope::diagnose {

// log10 of the probability that of `draws` out of `total`, taken by chance, at least `hits` are among the `marked`
// (hypergeometric). REQUIRES hits <= draws <= total and marked <= total.
double LogChanceOfHits(size_t total, size_t marked, size_t draws, size_t hits);

// How far to the front of an order the marked ones stand: the beginning of the order that chance explains least.
struct Crowding {
  double log_chance = 0;  // log10, of that beginning alone: as many beginnings were tried as there are places
  size_t draws = 0, hits = 0;
};

// `keys` are ascending, `marked` says of each whether it counts. Those with equal keys come together. `total`: of
// those that have no key too, which come last; `marked_total` likewise. Linear but for a logarithm each.
Crowding FindCrowding(const std::vector<double>& keys, const std::vector<bool>& marked, size_t total,
                      size_t marked_total);

}  // namespace rankscope::diagnose
