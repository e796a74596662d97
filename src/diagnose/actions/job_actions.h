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
    std::function<void(const std::string& project, model::Record)> record;
    // Sends what was found to a channel of notifications.
    std::function<base::Status(const std::string& channel, const ActionRequest&)> notify;
  };
  explicit JobActions(Ways ways);
  ~JobActions() override;

  base::Result<ActionReport> Begin(const ActionRequest& request) override;
  base::Result<ActionReport> Find(const std::string& project, const std::string& id) const override;
  std::vector<ActionReport> List(const std::string& project, const std::string& job) const override;

  void Take(const std::string& project, const std::string& job, model::JobAnswer answer);
  // Nothing is told or recorded any more.
  void Stop();

 private:
  struct Entry {
    std::unique_ptr<ActionRun> run;  // null: there was nothing to wait for
    ActionReport report;
    std::string recorded;  // state and outcome of the last event
  };

  ActionWays WaysOf(const ActionReport& report);
  std::unique_ptr<ActionRun> NewRun(const ActionReport& report, JobRanks ranks);
  void DropOldest();
  base::Status Admit(const ActionRequest& request) const;
  bool IsRepeated(const ActionRequest& request) const;
  void Conclude(ActionReport* report);
  void Update(Entry* entry);
  void RecordJob(const ActionReport& report);
  void RecordRank(const ActionReport& report, const RankOutcome& rank);
  void Loop();

  const Ways ways_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<Entry> entries_;  // oldest first
  uint64_t last_ = 0;
  struct Arrived {
    std::string project, job;
    model::JobAnswer answer;
  };
  std::vector<Arrived> arrived_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace rankscope::diagnose
