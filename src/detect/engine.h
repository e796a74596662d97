#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "detect/job_monitor.h"

namespace rankscope::detect {

// Records in, findings out. It knows no clock: time is that of the records and of Advance, so that the same records
// make the same findings, live or replayed. One thread at a time.
class Engine {
 public:
  // Gets a finding when it begins, and again, with `active` false, when it is over.
  using Sink = Episodes::Sink;

  Engine(std::shared_ptr<const RuleSet> rules, Sink sink) : rules_(std::move(rules)), sink_(std::move(sink)) {}

  // Records of all jobs, each job's in the order of arrival. A record without a job counts for the job "".
  void Take(const model::RecordView& record);
  // Every record until `now` has come, of every job.
  void Advance(base::TimeNs now);
  // From the next record on. Open findings of rules that keep their name stay open.
  void Use(std::shared_ptr<const RuleSet> rules);

 private:
  JobMonitor* MonitorOf(const model::Origin& origin);

  using Key = std::tuple<std::string, std::string, int32_t>;  // project, job, attempt

  std::shared_ptr<const RuleSet> rules_;
  const Sink sink_;
  std::map<Key, std::unique_ptr<JobMonitor>> jobs_;
  const Key* last_key_ = nullptr;  // of the record before: the next mostly has the same
  JobMonitor* last_monitor_ = nullptr;
};

}  // namespace rankscope::detect
