#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "diagnose/actions/action_run.h"
#include "model/record.h"

namespace rankscope::diagnose {

// The actions of a server: begins them, hands them what agents answer, lets time pass, and has what comes of them
// recorded in the job's stream. Keeps the reports of the last 1,000. A server that is started anew knows none of those
// before; a job that they hold is resumed all the same, and else goes on by itself. Any thread; one of its own.
class JobActions : public ActionPort {
 public:
  struct Ways {  // any thread; they do not call back
    std::function<int(const std::string& project, const std::string& job, const model::JobOrder&)> tell;
    std::function<int(const std::string& project, const std::string& job)> agents;
    std::function<base::Result<JobRanks>(const std::string& project, const std::string& job)> ranks;
    // Whether the server is not ready yet, or an agent of the job ("": of none) may still come back to it.
    std::function<bool(const std::string& project, const std::string& job)> starting;
    std::function<void(const std::string& project, model::Record)> record;
    // The same of what came of an action that a finding asked for, so that it is not begun again: durable, once.
    std::function<base::Status(const std::string& project, const std::string& finding, model::Record)> conclude;
    std::function<base::Status(const std::string& channel)> check_channel;
    std::function<Told(const std::string& channel, const std::string& incident)> told;
  };
  explicit JobActions(Ways ways);
  ~JobActions() override;

  base::Status CanBegin(const ActionRequest& request) const override;
  base::Result<ActionReport> Begin(const ActionRequest& request) override;
  base::Result<ActionReport> Find(const std::string& project, const std::string& id) const override;
  std::vector<ActionReport> List(const std::string& project, const std::string& job) const override;

  void Take(const std::string& project, const std::string& job, model::JobAnswer answer);
  // Nothing is told or recorded any more.
  void Stop();

 private:
  struct Entry {
    std::unique_ptr<ActionRun> run;  // null: it is done
    ActionReport report;
    std::string recorded;    // state and outcome of the last event
    bool concluded = false;  // of a finding's: its outcome is durable
  };

  struct Arrived {
    std::string project, job;
    model::JobAnswer answer;
  };

  ActionWays WaysOf(const ActionReport& report);
  std::unique_ptr<ActionRun> NewRun(const ActionReport& report, JobRanks ranks);
  void DropOldest();
  base::Status Admit(const ActionRequest& request) const;
  // Whether there was one.
  bool ReleaseHolds(const ActionRequest& resume);
  void Update(Entry* entry);
  model::Record EventOf(const ActionReport& report) const;
  void RecordRank(const ActionReport& report, const RankOutcome& rank);
  void Advance(Entry* entry, const std::vector<Arrived>& arrived, int64_t now);
  void Loop();

  const Ways ways_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<Entry> entries_;  // oldest first
  uint64_t last_ = 0;
  std::vector<Arrived> arrived_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace rankscope::diagnose
