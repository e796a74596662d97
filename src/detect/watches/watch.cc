#include "detect/watches/watch.h"

namespace rankscope::detect {

WatchPtr MakeWatch(const Rule& rule, const RuleSet& rules, Listener* listener, Routes* routes) {
  if (const auto* line = std::get_if<LineCondition>(&rule.condition)) {
    return MakeLineWatch(*line, rules, listener, routes);
  }
  if (const auto* metric = std::get_if<MetricCondition>(&rule.condition)) {
    const When* resolve = rule.resolve_when ? &*rule.resolve_when : nullptr;
    return MakeMetricWatch(*metric, resolve, rule, rules, listener, routes);
  }
  if (const auto* detector = std::get_if<DetectorCondition>(&rule.condition)) {
    return MakeDetectorWatch(*detector, rule, rules, listener, routes);
  }
  if (const auto* peers = std::get_if<PeersCondition>(&rule.condition)) {
    return MakePeersWatch(*peers, rule, rules, listener, routes);
  }
  if (const auto* silence = std::get_if<SilenceCondition>(&rule.condition)) {
    return MakeSilenceWatch(*silence, listener, routes);
  }
  return MakeJoinWatch(std::get<JoinCondition>(rule.condition), rule, rules, listener, routes);
}

Scope Reduced(const Scope& scope, Per per) {
  if (per == Per::kJob) return {};
  if (per == Per::kNode) return {.node_rank = scope.node_rank, .rank = std::nullopt};
  return scope;
}

}  // namespace rankscope::detect
