#include "job_custody.h"

#include "api/ingest_door.h"

namespace rankscope {

// The catalog's row goes last: with it, a deletion that failed half-way can be asked for again.
base::Status JobCustody::Delete(const std::string& job, bool force) {
  std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(catalog::JobRow row, parts_.catalog->Job(job, base::WallNow(), parts_.lost_after_ns));
  if (row.pin && !force) {
    return base::Status::Invalid("job \"" + job + "\" is pinned by " + row.pin->by +
                                 ": unpin it first, or use --force");
  }
  if (row.state == "running" && !force) {
    return base::Status::Invalid("job \"" + job + "\" is running: end it first, or use --force");
  }
  RETURN_IF_ERROR(ForgetFindings(job));
  RETURN_IF_ERROR(parts_.store->DeleteJob(job));
  RETURN_IF_ERROR(parts_.ingest->ForgetProducers(parts_.project, api::ProducersOfJob(job)));
  RETURN_IF_ERROR(parts_.catalog->DeleteJob(job));
  RETURN_IF_ERROR(parts_.diagnostician->ForgetJob(job));
  parts_.say("project " + parts_.project + ": job \"" + job + "\" was deleted");
  return {};
}

base::Status JobCustody::Pin(const std::string& job, const catalog::Pin& pin) {
  std::lock_guard lock(mutex_);
  return parts_.catalog->PinJob(job, pin);
}

base::Status JobCustody::Unpin(const std::string& job) {
  std::lock_guard lock(mutex_);
  return parts_.catalog->UnpinJob(job);
}

base::Status JobCustody::NoteImport(const std::string& job, const std::string& from) {
  return parts_.catalog->NoteImport(job, from);
}

base::Status JobCustody::Expire(const store::Retention& retention, base::TimeNs now) {
  if (!retention.max_age_ns && !retention.max_bytes) return {};
  std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(store::Kept kept, KeptAt(now));
  ASSIGN_OR_RETURN(auto gone, parts_.store->Expire(retention, kept, now));
  if (!gone.empty()) Report(gone);
  ReportExcess(retention);
  return ForgetEmptyJobs(gone);
}

base::Status JobCustody::ForgetFindings(const std::string& job) {
  RETURN_IF_ERROR(parts_.detection->ForgetJob(job));
  citations_.ForgetJob(job);
  return {};
}

base::Result<store::Kept> JobCustody::KeptAt(base::TimeNs now) {
  store::Kept kept;
  ASSIGN_OR_RETURN(kept.citations, citations_.Look());
  ASSIGN_OR_RETURN(auto jobs, parts_.catalog->Jobs(now, parts_.lost_after_ns));
  for (const catalog::JobRow& job : jobs) {
    if (job.pin) kept.pinned.insert(job.job);
    if (job.state == "running") kept.running.insert(job.job);
  }
  return kept;
}

void JobCustody::Report(const std::vector<store::StoredSegment>& gone) {
  uint64_t records = 0, bytes = 0;
  std::set<std::string> jobs;
  for (const store::StoredSegment& segment : gone) {
    records += segment.records;
    bytes += segment.bytes;
    jobs.insert(segment.job);
  }
  constexpr size_t kNamed = 5;
  std::string names;
  size_t named = 0;
  for (const std::string& job : jobs) {
    if (++named <= kNamed) names += (named == 1 ? "" : ", ") + job;
  }
  if (jobs.size() > kNamed) names += " and " + std::to_string(jobs.size() - kNamed) + " more";
  parts_.say("project " + parts_.project + ": retention removed " + std::to_string(records) + " records (" +
             std::to_string(bytes) + " bytes) of " + std::to_string(jobs.size()) + " jobs: " + names);
  parts_.metrics->CountExpired(parts_.project, gone.size(), records, bytes);
}

base::Status JobCustody::ForgetEmptyJobs(const std::vector<store::StoredSegment>& gone) {
  for (const store::StoredSegment& segment : gone) to_forget_.insert(segment.job);
  for (auto job = to_forget_.begin(); job != to_forget_.end();) {
    if (!parts_.store->Holds(*job)) {
      RETURN_IF_ERROR(ForgetFindings(*job));
      auto status = parts_.catalog->DeleteJob(*job);
      if (!status.ok() && status.code() != base::Code::kNotFound) return status;  // records may be of no job
    }
    job = to_forget_.erase(job);
  }
  return {};
}

// Once, until it fits again.
void JobCustody::ReportExcess(const store::Retention& retention) {
  uint64_t bytes = parts_.store->SealedBytes();
  bool excess = retention.max_bytes && bytes > *retention.max_bytes;
  if (excess && !excess_said_) {
    parts_.say("project " + parts_.project + ": " + std::to_string(bytes) + " bytes are stored, more than the " +
               std::to_string(*retention.max_bytes) +
               " of --retention-bytes: what is left is pinned, cited or running");
  }
  excess_said_ = excess;
}

}  // namespace rankscope
