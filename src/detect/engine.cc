#include "detect/engine.h"

namespace rankscope::detect {

JobMonitor* Engine::MonitorOf(const model::Origin& origin) {
  bool same = last_key_ && std::get<1>(*last_key_) == origin.job && std::get<0>(*last_key_) == origin.project &&
              std::get<2>(*last_key_) == origin.attempt;
  if (same) return last_monitor_;
  auto [found, is_new] = jobs_.try_emplace(Key(origin.project, origin.job, origin.attempt));
  if (is_new) {
    found->second = std::make_unique<JobMonitor>(rules_, origin.job, origin.attempt, sink_, refused_);
    Supersede(found);
  }
  last_key_ = &found->first;
  last_monitor_ = found->second.get();
  return last_monitor_;
}

// All attempts of its job but the last.
void Engine::Supersede(Monitors::iterator begun) {
  const auto& [project, job, attempt] = begun->first;
  for (auto monitor = FirstOf(project, job); IsOf(std::next(monitor), project, job); ++monitor) {
    monitor->second->Supersede();
  }
}

void Engine::Take(const model::RecordView& record) { MonitorOf(*record.origin)->Take(record); }

void Engine::Advance(base::TimeNs now) {
  for (auto& [key, monitor] : jobs_) monitor->Advance(now);
}

Engine::Monitors::iterator Engine::FirstOf(const std::string& project, const std::string& job) {
  return jobs_.lower_bound(Key(project, job, INT32_MIN));
}

bool Engine::IsOf(Monitors::iterator monitor, const std::string& project, const std::string& job) const {
  return monitor != jobs_.end() && std::get<0>(monitor->first) == project && std::get<1>(monitor->first) == job;
}

void Engine::Advance(const std::string& project, const std::string& job, base::TimeNs now) {
  for (auto monitor = FirstOf(project, job); IsOf(monitor, project, job); ++monitor) monitor->second->Advance(now);
}

void Engine::Resume(const std::string& project, const std::string& job, int32_t attempt, std::vector<Finding> told) {
  model::Origin origin;
  origin.project = project;
  origin.job = job;
  origin.attempt = attempt;
  MonitorOf(origin)->Resume(std::move(told));
}

void Engine::Forget(const std::string& project, const std::string& job) {
  for (auto monitor = FirstOf(project, job); IsOf(monitor, project, job);) monitor = jobs_.erase(monitor);
  last_key_ = nullptr;
}

void Engine::Use(std::shared_ptr<const RuleSet> rules) {
  rules_ = std::move(rules);
  for (auto& [key, monitor] : jobs_) monitor->Use(rules_);
}

}  // namespace rankscope::detect
