#include "monitor/judge.h"

#include <algorithm>

#include "base/clock.h"
#include "base/coding.h"
#include "monitor/finding_rows.h"
#include "monitor/look_back.h"
#include "parse/line_record.h"

namespace rankscope::monitor {
namespace {

constexpr int64_t kQuiet = 3600 * base::kNsPerSecond;
// So many records are recalled of a job. Where many jobs are recalled at once, as after a start, they share them, so
// that ingest need not wait for long; but windows of fewer would begin anew.
constexpr uint64_t kLookBack = 500'000, kLeastLookBack = 50'000;

constexpr size_t kUsualText = 128;  // bytes

// What the files of a job are imported in order of says nothing of who fell silent when.
bool IsSilence(const detect::Finding& finding) {
  return finding.finding_class == "heartbeat_lost" || finding.finding_class == "hang";
}

void Prefetch(const void* begin, size_t bytes) {
  constexpr size_t kCacheLine = 64;
  for (size_t at = 0; at < bytes; at += kCacheLine) __builtin_prefetch(static_cast<const char*>(begin) + at);
}

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

void Judge::Tell(const detect::Finding& found) {
  const bool past = !recalling_ && parts_.is_past(found.job);
  if (recalling_ || (past && IsSilence(found))) return;
  detect::Finding finding = found;
  parse::RedactSecrets(&finding.message);  // what comes over HTTP is kept as it is, but is not to be sent around
  bool known = finding.active && parts_.findings->Has(finding.id);  // its records were sent a second time
  detect::Finding grouped = finding;
  if (!known) grouped.incident = parts_.incidents->Take(finding);
  verdict_.findings.push_back(RowOf(grouped));
  if (known) return;
  verdict_.events.push_back(EventOf(parts_.project, finding));
  if (!past) Ask(grouped);
}

// For what people or ranks shall do.
void Judge::Ask(const detect::Finding& finding) {
  if (auto wanted = WantedBy(finding)) verdict_.actions.push_back(*std::move(wanted));
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
  for (size_t i = 0; i < used; ++i) sorted_.emplace_back(views_[i].time, &views_[i]);
  auto earlier = [](const auto& a, const auto& b) { return a.first < b.first; };
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
  // They fill more than the caches, and do not lie in their order.
  constexpr size_t kAhead = 4;
  for (size_t i = 0; i < sorted_.size(); ++i) {
    if (i + 2 * kAhead < sorted_.size()) Prefetch(sorted_[i + 2 * kAhead].second, sizeof(model::RecordView));
    if (i + kAhead < sorted_.size()) {
      const model::RecordView& next = *sorted_[i + kAhead].second;
      Prefetch(next.text.data(), std::min(next.text.size(), kUsualText));
      Prefetch(next.fields.data(), next.fields.size() * sizeof(model::FieldView));
    }
    engine_->Take(*sorted_[i].second);
  }
}

void Judge::Tick(const std::vector<model::JobTime>& jobs) {
  if (!engine_) return;
  // Who says nothing can wait: one is recalled with each tick, and records are judged in between.
  auto unknown = std::find_if(jobs.begin(), jobs.end(), [this](const auto& job) { return !Knows(job.job); });
  if (unknown != jobs.end()) RecallUnknown({unknown->job}, {});
  for (const model::JobTime& job : jobs) {
    if (!Knows(job.job)) continue;
    known_[job.job] = base::MonotonicNow();
    engine_->Advance(parts_.project, job.job, job.time);
  }
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
  const uint64_t most_records = std::max(kLookBack / unknown.size(), kLeastLookBack);
  for (const std::string& job : unknown) {
    std::set<int32_t> attempts;
    base::Status past = Recall(job, most_records, &unjudged, &attempts);
    if (!past.ok()) SayDoubt(job, "detection begins without what came before", past);
    base::Status open = Resume(job, std::move(attempts));
    if (!open.ok()) SayDoubt(job, "its open findings stay open", open);
  }
}

void Judge::SayDoubt(const std::string& job, const std::string& what, const base::Status& status) const {
  parts_.say("project " + parts_.project + ": job \"" + job + "\": " + what + ": " + status.message());
}

// The store may be ahead of us: what still waits, here or in the queue, is judged when its turn comes. Whatever the
// store has by now is in the queue, if it is not judged: it was put there first.
base::Status Judge::Recall(const std::string& job, uint64_t most_records, Unjudged* unjudged,
                           std::set<int32_t>* attempts) {
  ASSIGN_OR_RETURN(auto past, LookBack(parts_.store, parts_.project, job, most_records));
  unjudged->Add(parts_.waiting(unjudged->next()));
  recalling_ = true;
  for (const Batch& batch : past) {
    model::RecordBatch::Cursor cursor(*batch);
    model::RecordView record;
    while (cursor.Next(&record)) {
      if (unjudged->Remove(record)) continue;
      attempts->insert(record.origin->attempt);
      engine_->Take(record);
    }
  }
  recalling_ = false;
  return {};
}

base::Status Judge::Resume(const std::string& job, std::set<int32_t> attempts) {
  catalog::FindingFilter filter;
  filter.job = job;
  filter.active = true;
  ASSIGN_OR_RETURN(auto rows, parts_.findings->List(filter));
  std::map<int32_t, std::vector<detect::Finding>> open;
  for (const catalog::FindingRow& row : rows) {
    if (row.job != job) continue;  // "" asks for all
    auto finding = FindingOf(row);
    if (!finding.ok()) {
      SayDoubt(job, "a finding stays open", finding.status());
      continue;
    }
    attempts.insert(row.attempt);
    open[row.attempt].push_back(*std::move(finding));
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
    job = known_.erase(job);
  }
}

}  // namespace rankscope::monitor
