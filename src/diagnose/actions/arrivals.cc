#include "diagnose/actions/arrivals.h"

#include <algorithm>
#include <cstdio>

#include "base/clock.h"
#include "diagnose/actions/action_run.h"
#include "model/rank_set.h"

namespace rankscope::diagnose {
namespace {

using base::kNsPerSecond;

constexpr int64_t kStuckSteps = 20, kStuckNs = 60 * kNsPerSecond;
constexpr int64_t kNotableSteps = 3, kNotableNs = 5 * kNsPerSecond;

}  // namespace

std::string SecondsText(int64_t ns) {
  char text[32];
  double seconds = static_cast<double>(ns) / kNsPerSecond;
  std::snprintf(text, sizeof text, seconds < 1 ? "%.2g s" : "%.0f s", seconds);
  return text;
}

void Arrivals::Note(const model::RankAnswer& answer, int64_t now_ns) {
  Rank& rank = ranks_[answer.rank];
  bool moved = rank.since_ns == 0 || answer.step != rank.step;
  if (moved) rank.since_ns = now_ns - answer.at_step_ns;
  rank.step = answer.step;
  step_ns_ = std::max(step_ns_, answer.step_ns);
}

int64_t Arrivals::PatienceNs(int64_t timeout_ns) const {
  return std::max(3 * step_ns_, std::min(timeout_ns, std::max(kStuckNs, kStuckSteps * step_ns_)));
}

int64_t Arrivals::NotableNs() const { return std::max(kNotableNs, kNotableSteps * step_ns_); }

std::set<int32_t> Arrivals::AtOneStepFor(int64_t ns, int64_t now_ns) const {
  std::set<int32_t> found;
  for (const auto& [number, rank] : ranks_) {
    if (now_ns - rank.since_ns >= ns) found.insert(number);
  }
  return found;
}

std::string Arrivals::Describe(const std::set<int32_t>& ranks, int64_t now_ns) const {
  struct Group {
    std::set<int32_t> ranks;
    int64_t longest_ns = 0;
  };
  std::map<std::optional<int64_t>, Group> groups;
  for (int32_t number : ranks) {
    auto rank = ranks_.find(number);
    if (rank == ranks_.end()) continue;
    Group& group = groups[rank->second.step];
    group.ranks.insert(number);
    group.longest_ns = std::max(group.longest_ns, now_ns - rank->second.since_ns);
  }
  std::string text;
  for (const auto& [step, group] : groups) {
    text += (text.empty() ? "" : ", ") + std::string(group.ranks.size() == 1 ? "rank " : "ranks ") +
            model::RankSet(group.ranks) + (group.ranks.size() == 1 ? " is " : " are ") +
            (step ? "at step " + std::to_string(*step) : "before its first step") + " for " +
            SecondsText(group.longest_ns);
  }
  return text;
}

}  // namespace rankscope::diagnose
