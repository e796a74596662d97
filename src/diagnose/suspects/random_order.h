#pragma once

#include <cstdint>
#include <vector>

namespace rankscope::diagnose {

// What stands at these places of torch.randperm(size, generator=g), drawn on the CPU after g.manual_seed(seed): as
// ATen has it below 2^32 / 20, place i is swapped in turn with one of the places from i on, which a number of
// mt19937 names by its remainder.
// REQUIRES: 0 < size <= kLargestOrder, places below size. A second and a few MiB for the largest.
constexpr int64_t kLargestOrder = 100'000'000;
std::vector<int64_t> AtPlaces(int64_t size, uint64_t seed, const std::vector<int64_t>& places);

}  // namespace rankscope::diagnose
