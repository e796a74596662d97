#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/status.h"
#include "diagnose/incidents/grouping.h"
#include "diagnose/incidents/incident.h"

namespace rankscope::diagnose {

// Findings and people's decisions in, incidents out. Pure: no I/O, no clock; the same findings in the same order, and
// the same decisions between them, make the same incidents with the same ids. One thread at a time.
//
// Bounded, however many findings come: of a job it knows at most kMostOpen open incidents (a finding that would open
// one more joins the newest) and kMostClosed others, each with kMostMembers rules (further ones are one member); of
// each active finding it keeps about 50 bytes.
class IncidentBook {
 public:
  static constexpr size_t kMostOpen = 64, kMostClosed = 64, kMostMembers = 32;

  // Gets each version of each incident, in order.
  using Sink = std::function<void(const Incident&)>;

  IncidentBook(std::string project, Sink sink) : project_(std::move(project)), sink_(std::move(sink)) {}

  // What is known of a job so far; of one that is not restored, nothing is.
  struct Past {
    std::vector<Incident> incidents;                          // oldest first
    std::vector<std::pair<std::string, std::string>> active;  // findings, and the incident of each
    int64_t world_size = 0;                                   // of the job; 0: not known
  };
  bool Knows(const std::string& job) const { return jobs_.contains(job); }
  void Restore(const std::string& job, Past past);
  // One of a restored job that is older than all that is known; nothing, if it is known.
  void Admit(const std::string& job, Incident incident);
  void Forget(const std::string& job) { jobs_.erase(job); }

  // A finding that has begun, or is over. Returns the id of the incident that it belongs to; "": of an ended one whose
  // begin is not known here. One that is active already changes nothing.
  std::string Take(const detect::Finding& finding);

  // A person's word about an incident of a restored job. kNotFound: there is none; kInvalid: it was superseded, or is
  // not open and cannot be acknowledged.
  struct Word {
    std::string by, note;
    base::TimeNs at = 0;
  };
  base::Result<Incident> Acknowledge(const std::string& job, const std::string& id, const Word& word,
                                     base::TimeNs until);
  // kConfirmed or kDismissed. A resolved one stays resolved.
  base::Result<Incident> Decide(const std::string& job, const std::string& id, const Word& word, IncidentState state);
  base::Result<Incident> Resolve(const std::string& job, const std::string& id, const Word& word);
  // What it took until now: no version of its own.
  void SetCost(const std::string& job, const std::string& id, const IncidentCost& cost);
  // The clock has come so far: acknowledgements of the job may be over.
  void Advance(const std::string& job, base::TimeNs now);

  // As they are now, of those that have changed since the last call, with or without a new version; those of a job in
  // the order in which they were opened.
  std::vector<Incident> TakeTouched();
  // How many findings are known to be active.
  size_t active() const;
  // How many incidents are known, of all jobs.
  size_t known() const;

 private:
  struct Job {
    std::deque<std::unique_ptr<Incident>> incidents;  // in the order in which they were opened
    std::unordered_map<uint64_t, Incident*> homes;    // of active findings, by the hash of their id
    int64_t world_size = 0;
  };
  struct Before;

  std::string Begin(Job* job, const detect::Finding& finding);
  std::string End(Job* job, const detect::Finding& finding);
  void TellWhatChanged(const Before& before, const detect::Finding& finding, Incident* home);
  static size_t OpenCount(const Job& job);
  static Incident* NewestOpen(Job* job);
  Incident* HomeFor(Job* job, const detect::Finding& finding, const FindingFacts& facts, bool* is_new);
  Incident* Open(Job* job, const detect::Finding& finding);
  void Merge(Job* job, Incident* from, Incident* into, base::TimeNs time);
  void MakeRoom(Job* job);
  base::Result<Incident*> Find(const std::string& job, const std::string& id);
  void Tell(Incident* incident, Change change, base::TimeNs time, const Word& word);
  void Tell(Incident* incident, Change change, base::TimeNs time) { Tell(incident, change, time, {}); }
  void Touch(const Incident& incident) { touched_[incident.job].insert(incident.id); }

  const std::string project_;
  const Sink sink_;
  std::map<std::string, Job> jobs_;
  std::map<std::string, std::set<std::string>> touched_;  // ids by job
  std::vector<Incident> gone_;                            // touched ones that are not kept any more
};

}  // namespace rankscope::diagnose
