#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diagnose/slowness/link_counters.h"
#include "diagnose/slowness/throttled_gpus.h"
#include "diagnose/slowness/topology.h"
#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// When a rank began to be slow.
struct RankOnset {
  int32_t rank = 0;
  std::optional<int64_t> step;
  size_t line = 0;
};

// What the ranks that slowed first share.
struct SlowElement {
  Element element;
  size_t draws = 0, hits = 0;  // of the first `draws` ranks to slow, `hits` are the element's
  double log_chance = 0;       // log10 that chance does so, for any of the elements and beginnings tried
  std::vector<Element> alike;  // others of nearly the same chance
};

// A job that lives and has become slow, or in which some are slower than the others.
struct Slowdown {
  std::string_view failure;      // the class
  std::string_view kind;         // what is slow: port, switch, rail, rack, node, rank, job; thermal, power: GPUs
  std::vector<RankOnset> order;  // of the ranks that slowed, as they did
  std::vector<int32_t> first;    // where it began, in that order; empty: cannot be told
  std::optional<SlowElement> element;
  std::optional<SlowElement> likely;        // without an element: what fits best, though chance may explain it
  size_t ranks = 0;                         // that tell their speed
  double before = 0, worst = 0, after = 0;  // the median rank's speed
  std::string_view unit;                    // of the speeds
  std::optional<int64_t> worst_step, recovered_step;
  std::vector<HotLink> links;
  std::vector<ThrottledGpu> throttled;  // that explain it
  std::vector<size_t> said;             // lines about the network, of the ranks where it began first
  size_t line = 0;                      // that shows it best
  std::string why;
};

// Nothing: no slowness of several ranks. A single writer's metrics are FindCourses' matter, unless GPUs throttled
// themselves by the time it slowed.
std::optional<Slowdown> FindSlowdown(const Reading& reading, const Topology& topology);

// As a suspect, with what its class weighs.
Suspect SuspectOf(const Slowdown& slowdown);

}  // namespace rankscope::diagnose
