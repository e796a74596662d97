#include "monitor/detection.h"

#include <future>

#include "base/clock.h"

namespace rankscope::monitor {
namespace {

constexpr int64_t kSaveEvery = base::kNsPerSecond;  // of a position alone: the journal replays what comes after it
constexpr int64_t kSweepEvery = 60 * base::kNsPerSecond;
// While saving fails: so much is kept in memory, and so many bytes of the journal are not let go.
constexpr size_t kMostUnsaved = 10'000;
constexpr uint64_t kMostUnsavedBytes = uint64_t{1} << 30;

}  // namespace

// A data directory without findings yet begins with what comes next.
Detection::Detection(Parts parts)
    : parts_(std::move(parts)),
      durable_position_(parts_.findings->position().value_or(parts_.store->durable_position())),
      judge_({parts_.project, parts_.findings, parts_.store, [this](uint64_t* next) { return queue_.Waiting(next); },
              parts_.say}) {
  judge_.Use(parts_.rules);
}

Detection::~Detection() { Stop(); }

base::Status Detection::Append(uint64_t end_position, std::shared_ptr<const model::RecordBatch> records) {
  WelcomeNewJobs(*records);
  queue_.Put(end_position, std::move(records));
  return {};
}

// The store has what comes only after us: a job that it does not hold now begins here.
void Detection::WelcomeNewJobs(const model::RecordBatch& records) {
  for (const model::Origin& origin : records.origins()) {
    if (!seen_.insert(origin.job).second || parts_.store->Holds(origin.job)) continue;
    queue_.Put([this, job = origin.job] { judge_.Welcome(job); });
  }
}

base::Status Detection::Tick(uint64_t end_position, const std::string&, const std::vector<model::JobTime>& jobs) {
  queue_.Put(end_position, jobs);
  return {};
}

void Detection::Start(ingest::Ingest* ingest) {
  events_ = std::make_unique<FindingEvents>(parts_.project, parts_.findings, ingest);
  thread_ = std::thread([this] { Loop(); });
}

void Detection::Stop() {
  queue_.Stop();
  if (thread_.joinable()) thread_.join();
}

void Detection::UseRules(std::shared_ptr<const detect::RuleSet> rules) {
  queue_.Put([this, rules = std::move(rules)] { judge_.Use(rules); });
}

base::Status Detection::ForgetJob(const std::string& job) {
  auto forgotten = std::make_shared<std::promise<base::Status>>();
  queue_.Put([this, job, forgotten] { forgotten->set_value(Forget(job)); });
  auto future = forgotten->get_future();
  while (future.wait_for(std::chrono::milliseconds(100)) != std::future_status::ready) {
    if (queue_.stopped()) return base::Status::Unavailable("the server is stopping");
  }
  return future.get();
}

// What is found but not written yet would come back after the job is gone.
base::Status Detection::Forget(const std::string& job) {
  RETURN_IF_ERROR(Save());
  if (!events_->PublishAll())
    return base::Status::Unavailable("what was found of it is still being written; try again");
  judge_.Forget(job);
  return parts_.findings->DeleteJob(job);
}

void Detection::Loop() {
  while (!queue_.stopped()) {
    if (IsFull()) {
      queue_.Rest();
    } else {
      TakeLot(queue_.Take());
    }
    SaveWhenDue(/*now=*/!unsaved_.findings.empty() || !unsaved_.events.empty());
    events_->Publish();
  }
  SaveWhenDue(/*now=*/true);
}

void Detection::TakeLot(const DetectionQueue::Lot& lot) {
  if (lot.errand) return lot.errand();
  if (!lot.batches.empty()) judge_.Take(lot.batches);
  if (!lot.tick.empty()) judge_.Tick(lot.tick);
  Collect();
  if (lot.end_position != 0) unsaved_.position = lot.end_position;
  int64_t now = base::MonotonicNow();
  if (now - swept_at_ < kSweepEvery) return;
  swept_at_ = now;
  judge_.ForgetQuietJobs();
}

void Detection::Collect() {
  Judge::Verdict verdict = judge_.TakeVerdict();
  std::move(verdict.findings.begin(), verdict.findings.end(), std::back_inserter(unsaved_.findings));
  std::move(verdict.events.begin(), verdict.events.end(), std::back_inserter(unsaved_.events));
  std::move(verdict.alerts.begin(), verdict.alerts.end(), std::back_inserter(alerts_));
}

bool Detection::IsFull() const {
  if (!failing_) return false;
  size_t unsaved = unsaved_.findings.size() + unsaved_.events.size();
  return unsaved > kMostUnsaved || unsaved_.position.value_or(0) > durable_position_ + kMostUnsavedBytes;
}

// A disk that is full now may not be at the next look: what was found stays here until then.
void Detection::SaveWhenDue(bool now) {
  if ((!now || failing_) && base::MonotonicNow() - saved_at_ < kSaveEvery) return;
  bool failed = failing_;
  base::Status status = Save();
  if (!status.ok() && !failed) {
    parts_.say("project " + parts_.project + ": findings cannot be saved yet: " + status.message());
  }
}

base::Status Detection::Save() {
  if (!unsaved_.position && unsaved_.findings.empty() && unsaved_.events.empty()) return {};
  saved_at_ = base::MonotonicNow();
  unsaved_.written = events_->written();
  base::Status status = parts_.findings->Save(unsaved_);
  failing_ = !status.ok();
  if (failing_) return status;
  if (unsaved_.position) durable_position_ = *unsaved_.position;
  unsaved_ = {};
  for (const auto& [job, line] : std::exchange(alerts_, {})) parts_.alert(job, line);
  return {};
}

}  // namespace rankscope::monitor
