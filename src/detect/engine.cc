#include "detect/engine.h"

namespace rankscope::detect {

JobMonitor* Engine::MonitorOf(const model::Origin& origin) {
  bool same = last_key_ && std::get<1>(*last_key_) == origin.job && std::get<0>(*last_key_) == origin.project &&
              std::get<2>(*last_key_) == origin.attempt;
  if (same) return last_monitor_;
  auto [found, is_new] = jobs_.try_emplace(Key(origin.project, origin.job, origin.attempt));
  if (is_new) found->second = std::make_unique<JobMonitor>(rules_, origin.job, origin.attempt, sink_);
  last_key_ = &found->first;
  last_monitor_ = found->second.get();
  return last_monitor_;
}

void Engine::Take(const model::RecordView& record) { MonitorOf(*record.origin)->Take(record); }

void Engine::Advance(base::TimeNs now) {
  for (auto& [key, monitor] : jobs_) monitor->Advance(now);
}

void Engine::Use(std::shared_ptr<const RuleSet> rules) {
  rules_ = std::move(rules);
  for (auto& [key, monitor] : jobs_) monitor->Use(rules_);
}

}  // namespace rankscope::detect
