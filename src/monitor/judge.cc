#include "monitor/judge.h"

#include <algorithm>

#include "base/clock.h"
#include "base/coding.h"
#include "monitor/finding_rows.h"
#include "monitor/look_back.h"

namespace rankscope::monitor {
namespace {

constexpr int64_t kQuiet = 3600 * base::kNsPerSecond;

// The same for the same record, as it came and as the store gives it back.
uint64_t IdentityOf(const model::RecordView& record) {
  std::string key;
  base::PutFixed64(&key, static_cast<uint64_t>(record.time));
  base::PutFixed64(&key, record.seq);
  base::PutSigned(&key, record.origin->rank.value_or(-1));
  base::PutSigned(&key, record.origin->node_rank.value_or(-1));
  base::PutSigned(&key, record.origin->attempt);
  base::PutSigned(&key, record.step.value_or(-1));
  key.push_back(static_cast<char>(record.stream));
  key += record.origin->job;
  return base::Checksum(record.text, base::Checksum(key));
}

}  // namespace

class Judge::Unjudged {
 public:
  explicit Unjudged(std::set<std::string> jobs) : jobs_(std::move(jobs)) {}

  void Add(const std::vector<Batch>& batches) {
    model::RecordView record;
    for (const Batch& batch : batches) {
      if (!IsOfInterest(*batch)) continue;
      model::RecordBatch::Cursor cursor(*batch);
      while (cursor.Next(&record)) {
        if (jobs_.contains(record.origin->job)) ++counts_[IdentityOf(record)];
      }
    }
  }
  // Whether it is one of them, which is then left out of the count.
  bool Remove(const model::RecordView& record) {
    auto found = counts_.find(IdentityOf(record));
    if (found == counts_.end() || found->second == 0) return false;
    --found->second;
    return true;
  }
  uint64_t* next() { return &next_; }

 private:
  bool IsOfInterest(const model::RecordBatch& batch) const {
    const auto& origins = batch.origins();
    return std::any_of(origins.begin(), origins.end(), [&](const auto& origin) { return jobs_.contains(origin.job); });
  }

  const std::set<std::string> jobs_;
  std::unordered_map<uint64_t, uint32_t> counts_;
  uint64_t next_ = 0;
};

void Judge::Use(const std::shared_ptr<const detect::RuleSet>& rules) {
  known_.clear();
  engine_.reset();
  if (!rules) return;
  engine_ = std::make_unique<detect::Engine>(
      rules, [this](const detect::Finding& finding) { Tell(finding); },
      [this](const detect::RefusedRule& rule) { Refuse(rule); });
}

void Judge::Tell(const detect::Finding& finding) {
  if (recalling_) return;
  bool known = finding.active && parts_.findings->Has(finding.id);  // its records were sent a second time
  detect::Finding grouped = finding;
  if (!known) grouped.incident = parts_.incidents->Take(finding);
  verdict_.findings.push_back(RowOf(grouped));
  if (known) return;
  verdict_.events.push_back(EventOf(parts_.project, finding));
  bool alarm = finding.active && finding.severity != detect::Severity::kInfo;
  if (alarm) verdict_.alerts.emplace_back(finding.job, AlertOf(finding));
}

void Judge::Refuse(const detect::RefusedRule& rule) {
  if (recalling_) return;
  model::Record event = EventOf(rule);
  verdict_.alerts.emplace_back(rule.origin.job, event.text);
  verdict_.events.push_back(std::move(event));
}

void Judge::SortByTime(const std::vector<Batch>& batches) {
  size_t count = 0, used = 0;
  for (const Batch& batch : batches) count += batch->size();
  if (views_.size() < count) views_.resize(count);
  for (const Batch& batch : batches) {
    model::RecordBatch::Cursor cursor(*batch);
    while (used < count && cursor.Next(&views_[used])) ++used;
  }
  sorted_.clear();
  for (size_t i = 0; i < used; ++i) sorted_.push_back(&views_[i]);
  auto earlier = [](const auto* a, const auto* b) { return a->time < b->time; };
  if (!std::is_sorted(sorted_.begin(), sorted_.end(), earlier)) {
    std::stable_sort(sorted_.begin(), sorted_.end(), earlier);
  }
}

void Judge::Welcome(const std::string& job) { known_[job] = base::MonotonicNow(); }

void Judge::Take(const std::vector<Batch>& batches) {
  if (!engine_) return;
  std::set<std::string> jobs;
  for (const Batch& batch : batches) {
    for (const model::Origin& origin : batch->origins()) jobs.insert(origin.job);
  }
  RecallUnknown(jobs, batches);
  SortByTime(batches);
  for (const model::RecordView* record : sorted_) engine_->Take(*record);
}

void Judge::Tick(const std::vector<model::JobTime>& jobs) {
  if (!engine_) return;
  std::set<std::string> names;
  for (const model::JobTime& job : jobs) names.insert(job.job);
  RecallUnknown(names, {});
  for (const model::JobTime& job : jobs) engine_->Advance(parts_.project, job.job, job.time);
}

void Judge::RecallUnknown(const std::set<std::string>& jobs, const std::vector<Batch>& batches) {
  int64_t now = base::MonotonicNow();
  std::set<std::string> unknown;
  for (const std::string& job : jobs) {
    if (!known_.contains(job)) unknown.insert(job);
    known_[job] = now;
  }
  if (unknown.empty()) return;
  Unjudged unjudged(unknown);
  unjudged.Add(batches);
  for (const std::string& job : unknown) {
    if (auto status = Recall(job, &unjudged); !status.ok()) {
      parts_.say("project " + parts_.project + ": job \"" + job +
                 "\": detection begins without what came before: " + status.message());
    }
  }
}

// The store may be ahead of us: what still waits, here or in the queue, is judged when its turn comes. Whatever the
// store has by now is in the queue, if it is not judged: it was put there first.
base::Status Judge::Recall(const std::string& job, Unjudged* unjudged) {
  ASSIGN_OR_RETURN(auto past, LookBack(parts_.store, parts_.project, job));
  unjudged->Add(parts_.waiting(unjudged->next()));
  std::set<int32_t> attempts;
  recalling_ = true;
  for (const Batch& batch : past) {
    model::RecordBatch::Cursor cursor(*batch);
    model::RecordView record;
    while (cursor.Next(&record)) {
      if (unjudged->Remove(record)) continue;
      attempts.insert(record.origin->attempt);
      engine_->Take(record);
    }
  }
  recalling_ = false;
  return Resume(job, std::move(attempts));
}

base::Status Judge::Resume(const std::string& job, std::set<int32_t> attempts) {
  catalog::FindingFilter filter;
  filter.job = job;
  filter.active = true;
  ASSIGN_OR_RETURN(auto rows, parts_.findings->List(filter));
  std::map<int32_t, std::vector<detect::Finding>> open;
  for (const catalog::FindingRow& row : rows) {
    if (row.job != job) continue;  // "" asks for all
    ASSIGN_OR_RETURN(detect::Finding finding, FindingOf(row));
    attempts.insert(row.attempt);
    open[row.attempt].push_back(std::move(finding));
  }
  for (int32_t attempt : attempts) engine_->Resume(parts_.project, job, attempt, std::move(open[attempt]));
  return {};
}

void Judge::Forget(const std::string& job) {
  known_.erase(job);
  parts_.incidents->Forget(job);
  if (engine_) engine_->Forget(parts_.project, job);
}

void Judge::ForgetQuietJobs() {
  int64_t now = base::MonotonicNow();
  for (auto job = known_.begin(); job != known_.end();) {
    if (now - job->second < kQuiet) {
      ++job;
      continue;
    }
    if (engine_) engine_->Forget(parts_.project, job->first);
    parts_.incidents->Forget(job->first);
    job = known_.erase(job);
  }
}

}  // namespace rankscope::monitor
