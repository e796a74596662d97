#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "detect/job_monitor.h"

namespace rankscope::detect {

// Records in, findings out. It knows no clock: time is that of the records and of Advance, so that the same records
// make the same findings, live or replayed. One thread at a time.
class Engine {
 public:
  // Gets a finding when it begins, and again, with `active` false, when it is over.
  using Sink = Episodes::Sink;

  // `refused` gets the patterns of jobs' own detectors that cannot be searched, each once.
  Engine(std::shared_ptr<const RuleSet> rules, Sink sink, JobRules::Refused refused = {})
      : rules_(std::move(rules)), sink_(std::move(sink)), refused_(std::move(refused)) {}

  // Records of all jobs, each job's in the order of arrival. A record without a job counts for the job "".
  void Take(const model::RecordView& record);
  // Every record until `now` has come, of every job.
  void Advance(base::TimeNs now);
  // Likewise of one job.
  void Advance(const std::string& project, const std::string& job, base::TimeNs now);
  // All open findings of one attempt of a job are these from now on: an engine before this one told them.
  void Resume(const std::string& project, const std::string& job, int32_t attempt, std::vector<Finding> told);
  // Frees what is remembered of a job. Its open findings are not told to be over.
  void Forget(const std::string& project, const std::string& job);
  // From the next record on. Open findings of rules that keep their name stay open.
  void Use(std::shared_ptr<const RuleSet> rules);

 private:
  using Key = std::tuple<std::string, std::string, int32_t>;  // project, job, attempt
  using Monitors = std::map<Key, std::unique_ptr<JobMonitor>>;

  void Supersede(Monitors::iterator begun);
  JobMonitor* MonitorOf(const model::Origin& origin);
  Monitors::iterator FirstOf(const std::string& project, const std::string& job);
  bool IsOf(Monitors::iterator monitor, const std::string& project, const std::string& job) const;

  std::shared_ptr<const RuleSet> rules_;
  const Sink sink_;
  const JobRules::Refused refused_;
  Monitors jobs_;
  const Key* last_key_ = nullptr;  // of the record before: the next mostly has the same
  JobMonitor* last_monitor_ = nullptr;
};

}  // namespace rankscope::detect
