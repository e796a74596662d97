#include "diagnose/actions/action_run.h"

#include <algorithm>

#include "model/rank_set.h"

namespace rankscope::diagnose {

std::string WithVerb(const std::string& ranks, const char* of_one, const char* of_several) {
  return ranks + " " + (ranks.starts_with("ranks ") ? of_several : of_one);
}

model::JobOrder ActionRun::NewOrder(model::JobOrder::Kind kind) const {
  model::JobOrder order;
  order.action = report_.id;
  order.name = report_.request.action.name;
  order.kind = kind;
  order.reason = report_.request.by;
  if (!report_.request.note.empty()) order.reason += (order.reason.empty() ? "" : ": ") + report_.request.note;
  return order;
}

RankOutcome* ActionRun::OutcomeOf(int32_t rank) {
  auto& ranks = report_.ranks;
  auto place = std::lower_bound(ranks.begin(), ranks.end(), rank, [](const auto& a, int32_t b) { return a.rank < b; });
  if (place == ranks.end() || place->rank != rank) place = ranks.insert(place, {rank, "", {}, ""});
  return &*place;
}

void ActionRun::Note(const model::RankAnswer& answer) {
  RankOutcome* outcome = OutcomeOf(answer.rank);
  outcome->outcome = answer.outcome;
  outcome->detail = answer.detail;
  if (answer.step) outcome->step = answer.step;
}

void ActionRun::Finish(const std::string& outcome, const std::string& summary) {
  report_.state = "done";
  report_.outcome = outcome;
  report_.summary = summary;
}

std::string ActionRun::RanksThatAre(const std::function<bool(const RankOutcome&)>& are) const {
  std::set<int32_t> ranks;
  for (const RankOutcome& rank : report_.ranks) {
    if (are(rank)) ranks.insert(rank.rank);
  }
  if (ranks.empty()) return {};
  return (ranks.size() == 1 ? "rank " : "ranks ") + model::RankSet(ranks);
}

}  // namespace rankscope::diagnose
