#include "diagnose/slowness/slow_element.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "diagnose/slowness/chance.h"

namespace rankscope::diagnose {
namespace {

constexpr double kSignificant = -2;  // log10
// Where the counters of one element alone rose, they are the proof; the order must only not speak against it.
constexpr double kWithProof = -0.5;
constexpr double kAnything = 0, kOneInTen = -1;
// Elements whose chances differ by less are told apart by other things.
constexpr double kNear = 1;

// "host" of a record without a message, which stays as it was written.
std::string HostOf(std::string_view text) {
  if (!text.starts_with('{') || text.find("\"host\"") == std::string_view::npos) return "";
  auto object = nlohmann::json::parse(text, nullptr, false);
  if (!object.is_object() || !object.contains("host") || !object["host"].is_string()) return "";
  return object["host"].get<std::string>();
}

bool IsHot(const Element& element, const std::vector<HotLink>& links) {
  return std::any_of(links.begin(), links.end(), [&](const HotLink& link) { return IsOf(link, element); });
}

// Less comes first among elements that are alike by chance.
int PlaceAmongAlike(const Element& element, const std::vector<HotLink>& links, bool of_network) {
  int kind = static_cast<int>(element.kind);
  constexpr int kKinds = 8;
  if (IsHot(element, links)) return kind - kKinds;
  bool node = element.kind == Element::Kind::kNode;
  return of_network && node ? kKinds : kind;
}

struct Candidate {
  const Element* element = nullptr;
  Crowding crowding;
};

std::vector<Candidate> Candidates(const std::vector<RankOnset>& order, const std::vector<double>& keys,
                                  const std::vector<Element>& elements, size_t ranks) {
  std::vector<Candidate> candidates;
  std::vector<bool> marked(order.size());
  for (const Element& element : elements) {
    for (size_t i = 0; i < order.size(); ++i) {
      marked[i] = std::binary_search(element.ranks.begin(), element.ranks.end(), order[i].rank);
    }
    candidates.push_back({&element, FindCrowding(keys, marked, ranks, element.ranks.size())});
  }
  return candidates;
}

std::optional<SlowElement> FindAmong(const std::vector<RankOnset>& order, const std::vector<double>& keys,
                                     const std::vector<Element>& elements, size_t ranks,
                                     const std::vector<HotLink>& links, bool of_network, double significant) {
  std::vector<Candidate> candidates = Candidates(order, keys, elements, ranks);
  if (candidates.empty()) return std::nullopt;
  double best = 0;
  for (const Candidate& candidate : candidates) best = std::min(best, candidate.crowding.log_chance);
  std::erase_if(candidates, [&](const Candidate& c) { return c.crowding.log_chance > best + kNear; });
  std::stable_sort(candidates.begin(), candidates.end(), [&](const Candidate& a, const Candidate& b) {
    return PlaceAmongAlike(*a.element, links, of_network) < PlaceAmongAlike(*b.element, links, of_network);
  });
  const Candidate& chosen = candidates.front();
  // Bonferroni: over the elements, and of each over as many beginnings of the order as it has ranks, since the least
  // likely one ends with one of them (Eden and others, 2007: the minimum hypergeometric score).
  double tests = 0;
  for (const Element& element : elements) tests += static_cast<double>(element.ranks.size());
  double corrected = std::min(0.0, chosen.crowding.log_chance + std::log10(tests));
  if (corrected > significant) return std::nullopt;
  SlowElement found{*chosen.element, chosen.crowding.draws, chosen.crowding.hits, corrected, {}};
  for (size_t i = 1; i < candidates.size(); ++i) found.alike.push_back(*candidates[i].element);
  return found;
}

// The ranks behind links whose counters rose.
std::vector<int32_t> RanksBehind(const std::vector<HotLink>& links, const std::vector<Element>& elements) {
  std::set<int32_t> behind;
  for (const Element& element : elements) {
    bool is_link = element.kind == Element::Kind::kPort || element.kind == Element::Kind::kNode;
    if (is_link && IsHot(element, links)) behind.insert(element.ranks.begin(), element.ranks.end());
  }
  return {behind.begin(), behind.end()};
}

// Of both together, how much both have.
double SharedPart(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  std::vector<int32_t> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  const size_t all = a.size() + b.size() - both.size();
  return all == 0 ? 0 : static_cast<double>(both.size()) / static_cast<double>(all);
}

// The elements that the hot links are: their ranks are those behind them, but for a fifth.
std::vector<Element> MeantByCounters(const std::vector<HotLink>& links, const std::vector<Element>& elements) {
  constexpr double kNearlyAll = 0.8;
  const std::vector<int32_t> behind = RanksBehind(links, elements);
  double best = kNearlyAll;
  std::vector<Element> meant;
  for (const Element& element : elements) {
    const double shared = SharedPart(element.ranks, behind);
    if (shared < best) continue;
    if (shared > best) meant.clear();
    best = shared;
    meant.push_back(element);
  }
  return meant;
}

}  // namespace

std::map<int32_t, RankPlace> PlacesOf(const Reading& reading, const std::vector<int32_t>& ranks) {
  std::map<int32_t, RankPlace> places;
  for (int32_t rank : ranks) places[rank];
  for (size_t i = 0; i < reading.ranks.size(); ++i) {
    auto place = reading.ranks[i] ? places.find(*reading.ranks[i]) : places.end();
    if (place == places.end()) continue;
    const Line& line = reading.read->lines[i];
    if (!place->second.node_rank) place->second.node_rank = line.node_rank;
    if (!place->second.local_rank) place->second.local_rank = line.local_rank;
    if (place->second.host.empty()) place->second.host = HostOf(line.text);
  }
  return places;
}

std::optional<SlowElement> FindSlowElement(const std::vector<RankOnset>& order, const std::vector<double>& keys,
                                           const std::vector<Element>& elements, size_t ranks,
                                           const std::vector<HotLink>& links, bool of_network) {
  if (auto found = FindAmong(order, keys, elements, ranks, links, of_network, kSignificant)) return found;
  return FindAmong(order, keys, MeantByCounters(links, elements), ranks, links, of_network, kWithProof);
}

std::optional<SlowElement> FindLikelyElement(const std::vector<RankOnset>& order, const std::vector<double>& keys,
                                             const std::vector<Element>& elements, size_t ranks,
                                             const std::vector<HotLink>& links, bool of_network) {
  auto best = FindAmong(order, keys, elements, ranks, links, of_network, kAnything);
  if (!best) return std::nullopt;
  const double alone = LogChanceOfHits(ranks, best->element.ranks.size(), best->draws, best->hits);
  return alone <= kOneInTen ? best : std::nullopt;
}

}  // namespace rankscope::diagnose
