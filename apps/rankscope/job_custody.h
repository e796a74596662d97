#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "api/job_control.h"
#include "api/server_metrics.h"
#include "catalog/catalog.h"
#include "catalog/incidents.h"
#include "ingest/ingest.h"
#include "monitor/detection.h"
#include "monitor/diagnostician.h"
#include "monitor/incident_citations.h"
#include "store/store.h"

namespace rankscope {

// Which of a project's jobs stay and which go: by people's word, and by the project's retention. One decision at a
// time, so that what was pinned before a deletion began is not part of it. Any thread.
class JobCustody : public api::JobControl {
 public:
  struct Parts {  // all outlive it
    std::string project;
    store::Store* store;
    catalog::Catalog* catalog;
    const catalog::Incidents* incidents;
    ingest::Ingest* ingest;
    monitor::Detection* detection;
    monitor::Diagnostician* diagnostician;
    int64_t lost_after_ns;
    std::function<void(const std::string&)> say;
    std::shared_ptr<api::ServerMetrics> metrics;
  };
  explicit JobCustody(Parts parts) : parts_(std::move(parts)), citations_(parts_.incidents) {}

  base::Status Delete(const std::string& job, bool force) override;
  base::Status Pin(const std::string& job, const catalog::Pin& pin) override;
  base::Status Unpin(const std::string& job) override;
  base::Status NoteImport(const std::string& job, const std::string& from) override;

  // Removes what is due, and jobs of which nothing is left; says what went.
  base::Status Expire(const store::Retention& retention, base::TimeNs now);

 private:
  base::Status ForgetFindings(const std::string& job);
  base::Result<store::Kept> KeptAt(base::TimeNs now);
  void Report(const std::vector<store::StoredSegment>& gone);
  base::Status ForgetEmptyJobs(const std::vector<store::StoredSegment>& gone);
  void ReportExcess(const store::Retention& retention);

  const Parts parts_;
  std::mutex mutex_;  // of each decision; guards what follows
  bool excess_said_ = false;
  monitor::IncidentCitations citations_;
  std::set<std::string> to_forget_;  // jobs that lost records, until what is known of empty ones is gone, too
};

}  // namespace rankscope
