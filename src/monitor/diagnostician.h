#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/findings.h"
#include "catalog/knowledge.h"
#include "diagnose/incidents/incident_listener.h"
#include "diagnose/knowledge/knowledge_base.h"
#include "monitor/job_ledger.h"
#include "monitor/job_reading.h"
#include "monitor/life_update.h"
#include "query/log_source.h"

namespace rankscope::monitor {

// Looks at jobs that have ended, and at running ones with an incident that is critical or confirmed, and says what went
// wrong: as an event of the job, and in what is kept of it. A job that failed is diagnosed within a second or two, and
// again once its last words have come; one that was lost once nothing new of it has come for 5 s, since old records may
// still be coming in; one with an incident at once, again when what was half said has come, and ten steps or a minute
// later. Of a job that ended well without any incident but notes only its reports are read; an incident that is found
// or dismissed later has it read again. One that still grows costs a tenth of a processor at most. docs/knowledge.md
class Diagnostician : public diagnose::KnowledgeBase, public diagnose::IncidentListener {
 public:
  struct Parts {  // the pointers outlive it
    std::string project;
    catalog::Catalog* catalog;
    catalog::Findings* findings;
    catalog::Knowledge* knowledge;
    query::LogSource* logs;
    std::shared_ptr<const diagnose::Topology> topology;
    int64_t lost_after_ns;
    std::function<void(const std::string&)> say;
  };
  explicit Diagnostician(Parts parts) : parts_(std::move(parts)), ledger_(parts_.knowledge) {}
  ~Diagnostician() override { Stop(); }

  void Start();
  // What was not diagnosed is after the next start.
  void Stop();

  base::Result<diagnose::Verdict> DiagnoseNow(const std::string& job, const diagnose::Topology* topology) override;
  base::Result<diagnose::JobFacts> FactsOf(const std::string& job) override;
  base::Result<diagnose::Insights> Summarize() override;
  base::Status ForgetJob(const std::string& job);
  // What was found of this end of the job. Nothing: not yet.
  std::optional<LifeVerdict> VerdictOf(const catalog::JobLife& life) const;

  std::string name() const override { return "diagnosis"; }
  base::Status Take(std::span<const diagnose::Incident> incidents) override;

 private:
  struct Outcome {
    diagnose::Verdict verdict;
    diagnose::JobFacts facts;
    std::string told;  // the gist of what was said of the job last
  };
  // A running job that is to be looked at.
  struct Request {
    std::string reason;
    int64_t due = 0;  // by the monotonic clock
    std::optional<int64_t> due_step;
    int looks = 0;  // that were taken
  };
  struct Seen {
    std::string like;        // as SeenAs when it was diagnosed
    std::string growing;     // as SeenAs when it was seen before that
    std::string incidents;   // as IncidentsSeen
    int64_t not_before = 0;  // by the monotonic clock
  };

  void Loop();
  // Whether there is more to be looked at, at once.
  bool LookAround();
  // How much of an ended job is to be read.
  JobPart PartOf(const catalog::JobRow& job);
  // Whether it had to be read.
  bool LookAtEnded(const catalog::JobRow& job);
  base::Status Keep(const catalog::JobRow& job, const std::string& like, const Outcome& outcome);
  void Complain(const base::Status& status);  // where it is not OK
  bool IsAskedFor();
  void DropRequest(const std::string& job);
  void LookAtRunning(const catalog::JobRow& job);
  void ForgetGoneJobs(const std::vector<catalog::JobRow>& jobs);
  // What was seen of it, its incidents as they are.
  Seen& Recall(const std::string& job);
  // Whether there is nothing to be done about it now.
  static bool IsSettled(const catalog::JobRow& job, const std::string& like, Seen* last);
  std::vector<catalog::IncidentRow> IncidentsOf(const std::string& job);  // newest first
  std::string IncidentsSeen(const std::string& job);
  base::Result<Outcome> Examine(const catalog::JobRow& job, JobPart part, const diagnose::Topology& topology);
  base::Result<diagnose::JobFacts> FactsFrom(const catalog::JobRow& job, const JobReading& reading);
  base::Status Tell(const catalog::JobRow& job, const Outcome& outcome, const std::string& reason);
  base::Result<catalog::JobRow> Row(const std::string& job);

  const Parts parts_;
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;  // guards requests_, news_
  std::condition_variable wake_;
  std::map<std::string, Request> requests_;  // by job
  std::set<std::string> news_;               // jobs that may have other incidents than were seen
  std::map<std::string, Seen> seen_;         // of ended jobs; the thread's own
  JobLedger ledger_;
  std::thread thread_;
};

}  // namespace rankscope::monitor
