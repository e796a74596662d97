#include "store/store.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "store/aggregates/column_aggregator.h"
#include "store/memtable.h"
#include "store/merge.h"
#include "store/scan/pattern_scan.h"
#include "store/segment_folder.h"
#include "store/view.h"

namespace rankscope::store {
namespace {

constexpr size_t kMaxWaiting = 1;  // memtables being sealed; Append waits beyond, while they can be
constexpr auto kRetry = std::chrono::seconds(1);
constexpr size_t kWorthSealing = 64 << 10;  // of an idle memtable
constexpr auto kMaxAge = std::chrono::seconds(60);

using Clock = std::chrono::steady_clock;

class DiskStore : public Store {
 public:
  explicit DiskStore(Options options) : options_(std::move(options)) {}

  ~DiskStore() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (sealer_.joinable()) sealer_.join();
  }

  base::Status Start(const std::string& path, std::vector<std::string>* damage) {
    ASSIGN_OR_RETURN(folder_, SegmentFolder::Open(path, options_.project, damage));
    segments_ = folder_->TakeOpened();
    unreadable_ = folder_->TakeUnreadable();
    active_.end_position = durable_position_ = folder_->journal_position();
    sealer_ = std::thread([this] { BackgroundLoop(); });
    return {};
  }

  base::Status Append(uint64_t end_position, std::shared_ptr<const model::RecordBatch> batch) override {
    RETURN_IF_ERROR(CheckProject(*batch));
    std::unique_lock lock(mutex_);
    // While sealing fails there is no end to wait for; Ready refuses what comes next.
    changed_.wait(lock, [this] { return !IsFull() || !seal_error_.ok() || stopping_; });
    last_append_ = Clock::now();
    if (active_.batches.empty()) active_.since = last_append_;
    active_.bytes += batch->bytes();
    active_.batches.push_back(batch);
    active_.end_position = end_position;
    if (active_.bytes >= options_.memtable_bytes && waiting_.size() < kMaxWaiting) Rotate();
    lock.unlock();
    std::lock_guard subscribers(subscribers_mutex_);
    for (const auto& [token, take] : subscribers_) take(batch);
    return {};
  }

  base::Status Ready() override {
    std::lock_guard lock(mutex_);
    if (!IsFull() || seal_error_.ok()) return {};
    return base::Status::Unavailable("no record is taken until those before can be written: " + seal_error_.message());
  }

  uint64_t durable_position() const override { return durable_position_; }

  base::Status Flush() override {
    std::unique_lock lock(mutex_);
    const uint64_t goal = active_.end_position;
    Rotate();
    const uint64_t attempt = attempts_ + 1;  // one that has begun may not know what it is to
    wanted_attempt_ = std::max(wanted_attempt_, attempt);
    changed_.notify_all();
    changed_.wait(lock, [&] { return durable_position_ >= goal || failed_attempt_ >= attempt || stopping_; });
    return durable_position_ >= goal ? base::Status() : failure_;
  }

  base::Status LastSealing() override {
    std::lock_guard lock(mutex_);
    return seal_error_;
  }

  base::Status Compact() override {
    RETURN_IF_ERROR(Flush());
    std::lock_guard maintenance(maintenance_mutex_);
    std::map<std::string, std::vector<LiveSegment>> jobs;
    for (const LiveSegment& live : Segments()) jobs[live.job()].push_back(live);
    for (const auto& [job, all] : jobs) {
      if (all.size() > 1) RETURN_IF_ERROR(Merge(all));
    }
    return {};
  }

  base::Status Read(const model::Scan& scan, base::Budget* budget,
                    const std::function<bool(const model::Record&)>& take) override {
    ASSIGN_OR_RETURN(auto filter, ScanFilter::Compile(scan.filter, {&verdicts_, &columns_}));
    ReadView(ViewOf(scan, *filter, budget), scan, *filter, budget, take);
    return {};
  }

  base::Result<bool> Aggregate(const model::Scan& scan, const model::Aggregation& aggregation, base::Budget* budget,
                               const model::TakeCells& take) override {
    if (!ColumnAggregator::Supports(aggregation)) return false;
    ASSIGN_OR_RETURN(auto filter, ScanFilter::Compile(scan.filter, {&verdicts_, &columns_}));
    return AggregateView(ViewOf(scan, *filter, budget), scan, *filter, aggregation, budget, take);
  }

  base::Result<std::vector<model::Pattern>> Patterns(const model::Scan& scan, base::Budget* budget) override {
    ASSIGN_OR_RETURN(auto filter, ScanFilter::Compile(scan.filter, {&verdicts_, &columns_}));
    return CountPatterns(ViewOf(scan, *filter, budget), scan, *filter, budget);
  }

  // Sealed first: once the manifest is past these records, no replay gives them again. Its own are left out: it may be
  // they that cannot be written.
  base::Status DeleteJob(const std::string& job) override {
    {
      std::lock_guard lock(mutex_);
      going_.insert(job);
    }
    const base::Status sealed = Flush();
    {
      std::lock_guard lock(mutex_);
      going_.erase(going_.find(job));
    }
    RETURN_IF_ERROR(sealed);
    std::lock_guard maintenance(maintenance_mutex_);
    std::vector<std::string> names = folder_->NamesOf(job);
    if (!names.empty()) RETURN_IF_ERROR(Replace(names, {}));
    folder_->ForgetTemplates(job);
    return {};
  }

  bool Holds(const std::string& job) override {
    auto is_of_job = [&](const model::Origin& origin) { return origin.job == job; };
    auto has = [&](const auto& batch) {
      return std::any_of(batch->origins().begin(), batch->origins().end(), is_of_job);
    };
    std::lock_guard lock(mutex_);
    auto in = [&](const Batches& batches) { return std::any_of(batches.begin(), batches.end(), has); };
    return in(active_.batches) ||
           std::any_of(waiting_.begin(), waiting_.end(), [&](const auto& table) { return in(table->batches); }) ||
           std::any_of(segments_.begin(), segments_.end(), [&](const auto& live) { return live.job() == job; });
  }

  base::Result<std::vector<StoredSegment>> Expire(const Retention& retention, const Kept& kept,
                                                  base::TimeNs now) override {
    std::lock_guard maintenance(maintenance_mutex_);
    std::vector<StoredSegment> all;
    for (const LiveSegment& live : Segments()) {
      const Segment& segment = *live.segment;
      all.push_back(
          {live.name, live.job(), segment.file_bytes(), segment.rows(), segment.min_time(), segment.max_time()});
    }
    std::vector<StoredSegment> gone = ChooseExpired(std::move(all), retention, kept, now);
    if (gone.empty()) return gone;
    std::vector<std::string> names;
    names.reserve(gone.size());
    for (const StoredSegment& segment : gone) names.push_back(segment.name);
    RETURN_IF_ERROR(Replace(names, {}));
    for (const StoredSegment& segment : gone) {
      if (folder_->NamesOf(segment.job).empty()) folder_->ForgetTemplates(segment.job);
    }
    return gone;
  }

  uint64_t SealedBytes() override {
    uint64_t bytes = 0;
    for (const LiveSegment& live : Segments()) bytes += live.segment->file_bytes();
    return bytes;
  }

  uint64_t Subscribe(std::function<void(const std::shared_ptr<const model::RecordBatch>&)> take) override {
    std::lock_guard lock(subscribers_mutex_);
    subscribers_[++last_token_] = std::move(take);
    return last_token_;
  }

  void Unsubscribe(uint64_t token) override {
    std::lock_guard lock(subscribers_mutex_);
    subscribers_.erase(token);
  }

 private:
  base::Status CheckProject(const model::RecordBatch& batch) const {
    for (const model::Origin& origin : batch.origins()) {
      if (origin.project != options_.project) {
        return base::Status::Invalid("a record of project \"" + origin.project + "\" in the store of project \"" +
                                     options_.project + "\"");
      }
    }
    return {};
  }

  View ViewOf(const model::Scan& scan, const ScanFilter& filter, base::Budget* budget) {
    if (scan.project != options_.project) return {};
    std::vector<LiveSegment> segments;
    Batches batches;
    {
      std::lock_guard lock(mutex_);
      segments = segments_;
      for (const auto& table : waiting_) batches.insert(batches.end(), table->batches.begin(), table->batches.end());
      batches.insert(batches.end(), active_.batches.begin(), active_.batches.end());
      LeaveOut(unreadable_, scan, filter, budget);
    }
    return MakeView(segments, std::move(batches), scan, filter);
  }

  std::vector<LiveSegment> Segments() {
    std::lock_guard lock(mutex_);
    return segments_;
  }

  // REQUIRES mutex_.
  bool IsFull() const { return waiting_.size() >= kMaxWaiting && active_.bytes >= options_.memtable_bytes; }

  // REQUIRES mutex_.
  void Rotate() {
    if (active_.batches.empty()) return;
    uint64_t position = active_.end_position;
    waiting_.push_back(std::make_shared<const Memtable>(std::move(active_)));
    active_ = {};
    active_.end_position = position;
    changed_.notify_all();
  }

  // REQUIRES mutex_. An idle or old memtable is sealed too, so that the journal can go and queries find columns.
  void RotateWhenDue() {
    if (active_.batches.empty() || !waiting_.empty()) return;
    auto now = Clock::now();
    bool idle = now - last_append_ >= std::chrono::milliseconds(options_.idle_ms) && active_.bytes >= kWorthSealing;
    if (idle || now - active_.since >= kMaxAge || active_.bytes >= options_.memtable_bytes) Rotate();
  }

  void BackgroundLoop() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait_for(lock, std::chrono::milliseconds(options_.idle_ms) / 2,
                        [this] { return stopping_ || !waiting_.empty(); });
      if (stopping_) return;
      RotateWhenDue();
      if (waiting_.empty()) {
        lock.unlock();
        MergeWhenDue();
        lock.lock();
        continue;
      }
      std::shared_ptr<const Memtable> table = waiting_.front();
      const std::multiset<std::string> going = going_;
      ++attempts_;
      lock.unlock();
      std::string hindered;
      base::Status status = Seal(*table, going, &hindered);
      Tell(status, hindered);
      if (status.ok()) MergeWhenDue();
      lock.lock();
      seal_error_ = status;
      if (!status.ok()) {
        failed_attempt_ = attempts_;
        failure_ = status;
      }
      changed_.notify_all();
      // A full disk, say: the memtable and the journal keep the records, until no more fit.
      if (!status.ok()) changed_.wait_for(lock, kRetry, [this] { return stopping_ || wanted_attempt_ > attempts_; });
    }
  }

  // By the sealing thread. Once an obstacle, by its kind and job: each attempt has other file names.
  void Tell(const base::Status& status, const std::string& hindered) {
    std::pair obstacle(status.code(), hindered);
    if (obstacle == told_) return;
    told_ = std::move(obstacle);
    if (!options_.say) return;
    options_.say("project " + options_.project + ": " +
                 (status.ok()
                      ? "records are written again"
                      : "records cannot be written and stay in memory and in the journal: " + status.message()));
  }

  // `hindered`: the job that an error is about, if it is about one.
  base::Status Seal(const Memtable& table, const std::multiset<std::string>& going, std::string* hindered) {
    std::lock_guard maintenance(maintenance_mutex_);
    ASSIGN_OR_RETURN(std::vector<LiveSegment> sealed, WriteSegments(table, going, folder_.get(), hindered));
    RETURN_IF_ERROR(folder_->Publish({}, sealed, table.end_position));
    std::lock_guard lock(mutex_);
    segments_.insert(segments_.end(), sealed.begin(), sealed.end());
    waiting_.pop_front();
    durable_position_ = table.end_position;
    return {};
  }

  void MergeWhenDue() {
    while (true) {
      {
        std::lock_guard lock(mutex_);
        if (stopping_ || !waiting_.empty()) return;
      }
      std::lock_guard maintenance(maintenance_mutex_);
      std::vector<LiveSegment> inputs = NextMerge(Segments(), unmergeable_, options_.merge_at);
      if (inputs.empty()) return;
      if (auto status = Merge(inputs); !status.ok()) {
        // The inputs stay as they are: damaged ones for good, others until the next look (a full disk).
        ReportDamage(status);
        if (status.code() == base::Code::kCorrupt) {
          for (const LiveSegment& live : inputs) unmergeable_.insert(live.name);
        }
        return;
      }
    }
  }

  // REQUIRES maintenance_mutex_.
  base::Status Merge(const std::vector<LiveSegment>& inputs) {
    ASSIGN_OR_RETURN(LiveSegment merged, folder_->Write(inputs[0].job(), [&](SegmentWriter* writer) {
      return FillMerged(inputs, writer);
    }));
    std::vector<std::string> names;
    names.reserve(inputs.size());
    for (const LiveSegment& live : inputs) names.push_back(live.name);
    return Replace(names, {merged});
  }

  // REQUIRES maintenance_mutex_. What is added takes the first one's place: the order is that of arrival.
  base::Status Replace(const std::vector<std::string>& names, const std::vector<LiveSegment>& added) {
    RETURN_IF_ERROR(folder_->Publish(names, added));
    std::set<std::string> gone(names.begin(), names.end());
    auto goes = [&](const LiveSegment& live) { return gone.contains(live.name); };
    std::lock_guard lock(mutex_);
    segments_.insert(std::find_if(segments_.begin(), segments_.end(), goes), added.begin(), added.end());
    std::erase_if(segments_, goes);
    for (const std::string& name : names) unreadable_.erase(name);
    return {};
  }

  const Options options_;
  VerdictCache verdicts_;
  ColumnCache columns_;
  std::atomic<uint64_t> durable_position_{0};
  std::thread sealer_;
  std::pair<base::Code, std::string> told_{base::Code::kOk, ""};  // the sealing thread's own: the obstacle and its job

  std::mutex maintenance_mutex_;  // of sealing, merging and deleting; taken before mutex_. Guards what follows
  std::unique_ptr<SegmentFolder> folder_;
  std::set<std::string> unmergeable_;  // by name

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  Memtable active_;
  Clock::time_point last_append_;
  std::deque<std::shared_ptr<const Memtable>> waiting_;
  std::vector<LiveSegment> segments_;
  std::map<std::string, base::Status> unreadable_;  // segments by name
  std::multiset<std::string> going_;                // jobs that are being deleted
  base::Status seal_error_;                         // of the last attempt
  base::Status failure_;                            // of failed_attempt_; later ones may have gone well
  uint64_t attempts_ = 0;                           // at sealing that have begun
  uint64_t wanted_attempt_ = 0;                     // at least so many are to be made, without a pause
  uint64_t failed_attempt_ = 0;                     // the last one that failed
  bool stopping_ = false;

  std::mutex subscribers_mutex_;  // taken after mutex_ is released
  std::map<uint64_t, std::function<void(const std::shared_ptr<const model::RecordBatch>&)>> subscribers_;
  uint64_t last_token_ = 0;
};

}  // namespace

base::Result<std::unique_ptr<Store>> Store::Open(const std::string& folder, Options options,
                                                 std::vector<std::string>* damage) {
  auto store = std::make_unique<DiskStore>(std::move(options));
  RETURN_IF_ERROR(store->Start(folder, damage));
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace rankscope::store
