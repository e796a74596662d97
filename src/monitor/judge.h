#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "catalog/findings.h"
#include "detect/engine.h"
#include "model/record_sink.h"
#include "monitor/incident_desk.h"
#include "store/store.h"

namespace rankscope::monitor {

// Runs the rules over one project's records as they come, and says what there is to write down. A job that it does not
// know, since the server or the rules are new, or the job was quiet for long, is first recalled: its windows are built
// of what the store has of it (look_back.h), without a word, and the findings that are open in the catalog are open
// again. One thread.
class Judge {
 public:
  using Batch = std::shared_ptr<const model::RecordBatch>;
  struct Parts {  // the pointers outlive it
    std::string project;
    catalog::Findings* findings;
    IncidentDesk* incidents;  // gets each finding
    store::Store* store;
    // Batches that are not judged yet although the store may have them, from number *next on.
    std::function<std::vector<Batch>(uint64_t* next)> waiting;
    std::function<void(const std::string&)> say;
    std::function<bool(const std::string& job)> is_past;  // it is over, and what comes of it was written long ago
  };
  // What is to be written down, and whom to tell (job, line) when it is.
  struct Verdict {
    std::vector<catalog::FindingRow> findings;
    std::vector<catalog::WantedAction> actions;  // that those of them want which were not there before
    std::vector<model::Record> events;
    std::vector<std::pair<std::string, std::string>> alerts;
  };

  explicit Judge(Parts parts) : parts_(std::move(parts)) {}

  // The rules from now on; null: nothing is judged. Every job is then recalled.
  void Use(const std::shared_ptr<const detect::RuleSet>& rules);
  // Nothing of the job is judged or stored yet: there is nothing to recall.
  void Welcome(const std::string& job);
  // The records of all batches in the order of their time.
  void Take(const std::vector<Batch>& batches);
  void Tick(const std::vector<model::JobTime>& jobs);
  void Forget(const std::string& job);
  // Frees what is known of jobs that have said nothing for an hour.
  void ForgetQuietJobs();

  Verdict TakeVerdict() { return std::exchange(verdict_, {}); }

 private:
  // Records that are not judged yet, by what makes them the same, each as often as it is there.
  class Unjudged;
  void Tell(const detect::Finding& finding);
  void Ask(const detect::Finding& finding);
  void Refuse(const detect::RefusedRule& rule);
  bool Knows(const std::string& job) const { return known_.contains(job); }
  void RecallUnknown(const std::set<std::string>& jobs, const std::vector<Batch>& batches);
  // Builds the windows; *attempts are those of the job.
  base::Status Recall(const std::string& job, uint64_t most_records, Unjudged* unjudged, std::set<int32_t>* attempts);
  base::Status Resume(const std::string& job, std::set<int32_t> attempts);
  void SayDoubt(const std::string& job, const std::string& what, const base::Status& status) const;
  void SortByTime(const std::vector<Batch>& batches);

  const Parts parts_;
  std::unique_ptr<detect::Engine> engine_;  // null: off
  std::map<std::string, int64_t> known_;    // jobs, and when each was heard of last, by the monotonic clock
  bool recalling_ = false;
  Verdict verdict_;
  std::vector<model::RecordView> views_;  // keep their memory
  std::vector<std::pair<base::TimeNs, const model::RecordView*>> sorted_;
};

}  // namespace rankscope::monitor
