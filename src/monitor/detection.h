#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "monitor/detection_queue.h"
#include "monitor/finding_events.h"
#include "monitor/incident_desk.h"
#include "monitor/incident_news.h"
#include "monitor/judge.h"

namespace rankscope::monitor {

// The sink that judges: what is appended waits in a queue, and a thread of this takes it from there, so that rules cost
// the acknowledgement nothing until they fall 64 MiB behind; then ingest waits, and nothing is skipped. Findings, their
// incidents and the position up to which records are judged are saved in one transaction, so a kill neither loses nor
// doubles one. While they cannot be saved it goes on until it has found too much to keep, and then waits, and so does
// ingest. All methods from any thread. docs/design/detection.md
class Detection : public model::RecordSink {
 public:
  struct Parts {  // the pointers outlive it
    std::string project;
    catalog::Findings* findings;
    store::Store* store;
    std::shared_ptr<const detect::RuleSet> rules;  // null: off, and what comes meanwhile is never judged
    std::function<void(const std::string& job, const std::string& line)> alert;
    std::function<void(const std::string&)> say;
    std::function<int64_t(const std::string& job)> world_size;  // as far as it is known; else 0
    std::function<bool(const std::string& job)> is_past;        // Judge::Parts
    std::vector<diagnose::IncidentListener*> listeners;
    std::function<void(bool more)> act;  // is called often; `more`: what rules want done has been saved
  };
  explicit Detection(Parts parts);
  ~Detection() override;

  // Ingest must name this before the store among its sinks: what the store has is judged or waits here.
  base::Status Append(uint64_t end_position, std::shared_ptr<const model::RecordBatch> records) override;
  base::Status Tick(uint64_t end_position, const std::string& project,
                    const std::vector<model::JobTime>& jobs) override;
  uint64_t durable_position() const override { return durable_position_; }

  // Judges from now on, once ingest has replayed; ingest outlives Stop.
  void Start(ingest::Ingest* ingest);
  // Saves what is judged. What is appended afterwards is judged after the next start.
  void Stop();

  void UseRules(std::shared_ptr<const detect::RuleSet> rules);
  // A person's word; done and durable when it returns. kNotFound; kInvalid: the incident is not in that state;
  // kUnavailable: not now, and after a full disk perhaps later.
  base::Result<diagnose::Incident> Say(const std::string& incident, const IncidentWord& word);
  // Likewise of one finding. An incident of which all findings are dismissed is, and one is confirmed with one of them.
  base::Result<catalog::FindingRow> Decide(const std::string& finding, const catalog::Decision& decision);
  void SetCost(const std::string& job, const std::string& incident, const diagnose::IncidentCost& cost);

  // Blocks until what was appended of the job is judged, then removes its findings and incidents. What comes later is
  // a new job's.
  // kUnavailable: what was found of it is not written yet, or the server is stopping.
  base::Status ForgetJob(const std::string& job);

 private:
  void WelcomeNewJobs(const model::RecordBatch& records);
  void Loop();
  void TakeLot(const DetectionQueue::Lot& lot);
  void ForgetUnusedJobs();
  bool IsFull() const;
  void SaveWhenDue(bool now);
  base::Status Save();
  void Collect();
  void Want(catalog::WantedAction wanted);
  bool HasNews() const;
  // kUnavailable: it could not be.
  base::Status SaveAll();
  void LookAtClock();
  base::Status Forget(const std::string& job);
  // Runs it on the thread, before what waits, once all that was judged is saved.
  template <typename Answer>
  base::Result<Answer> Ask(std::function<base::Result<Answer>()> question);
  base::Status FollowDecision(const catalog::FindingRow& row, const catalog::Decision& decision);

  const Parts parts_;
  DetectionQueue queue_;
  std::atomic<uint64_t> durable_position_{0};
  std::atomic<bool> full_{false};  // nothing is taken until what is unsaved can be saved
  std::thread thread_;
  std::set<std::string> seen_;  // jobs; the appending thread's own

  // The thread's own.
  IncidentDesk desk_;
  Judge judge_;
  IncidentNews news_;
  std::unique_ptr<FindingEvents> events_;
  catalog::Findings::Changes unsaved_;
  std::vector<std::pair<std::string, std::string>> alerts_;  // of what is unsaved
  int64_t saved_at_ = 0, swept_at_ = 0, looked_at_ = 0;
  bool failing_ = false;
};

}  // namespace rankscope::monitor
