#pragma once

#include <map>
#include <optional>
#include <vector>

#include "diagnose/reading/reading.h"
#include "diagnose/slowness/slowdown.h"

namespace rankscope::diagnose {

// Where each rank runs, as its lines tell.
std::map<int32_t, RankPlace> PlacesOf(const Reading& reading, const std::vector<int32_t>& ranks);

// The smallest element that explains who is at the front: of an order of ranks by a key (equal keys: at once), the one
// whose ranks crowd there most against chance. Of several alike, the one whose own counters rose, else the part of the
// network where `of_network`, else the node. Where none does, what the links are whose counters rose is enough, unless
// the order speaks against it. Nothing: chance explains it (more than 1 in 100 after correction for all trials).
std::optional<SlowElement> FindSlowElement(const std::vector<RankOnset>& order, const std::vector<double>& keys,
                                           const std::vector<Element>& elements, size_t ranks,
                                           const std::vector<HotLink>& links, bool of_network);

// Where there is none: what fits the order best, to be named as not proven. Nothing: even alone among all elements it
// would be chance once in ten times.
std::optional<SlowElement> FindLikelyElement(const std::vector<RankOnset>& order, const std::vector<double>& keys,
                                             const std::vector<Element>& elements, size_t ranks,
                                             const std::vector<HotLink>& links, bool of_network);

}  // namespace rankscope::diagnose
