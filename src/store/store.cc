#include "store/store.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <queue>
#include <set>
#include <thread>

#include "base/file.h"
#include "store/manifest.h"
#include "store/segment.h"

namespace rankscope::store {
namespace {

constexpr size_t kMaxWaiting = 2;  // memtables being sealed; Append waits beyond
constexpr auto kRetrySeal = std::chrono::seconds(1);

using Batch = model::RecordBatch;

// What is not yet in a segment. Batches are never changed once they are in.
struct Memtable {
  std::vector<std::shared_ptr<const Batch>> batches;
  size_t bytes = 0;
  uint64_t end_position = 0;
};

// A file name from any job id: letters, digits, '-', '_' and '.' stay, the rest as %XX.
std::string SafeName(const std::string& name) {
  std::string out;
  for (char c : name) {
    auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || c == '-' || c == '_' || (c == '.' && !out.empty())) {
      out.push_back(c);
    } else {
      char escaped[4];
      std::snprintf(escaped, sizeof escaped, "%%%02X", byte);
      out += escaped;
    }
  }
  return out.empty() ? "%" : out;
}

// One source of a merge: yields its selected records in the scan's order.
class Cursor {
 public:
  virtual ~Cursor() = default;
  // The time of the next record, or a bound that it does not come before (nothing decoded yet); false at the end.
  virtual bool Peek(base::TimeNs* time) = 0;
  virtual const model::Record* Current() = 0;  // null: the bound was loose, Peek again
  virtual void Advance() = 0;
};

class MemoryCursor : public Cursor {
 public:
  MemoryCursor(std::vector<std::shared_ptr<const Batch>> batches, const model::Selection& selection, bool newest_first)
      : batches_(std::move(batches)) {
    model::Record record;
    model::RecordView view;
    for (const auto& batch : batches_) {
      model::RecordBatch::Cursor cursor(*batch);
      while (cursor.Next(&view)) {
        view.CopyTo(&record);
        if (model::Matches(selection, record)) found_.push_back(record);
      }
    }
    for (const model::Record& found : found_) records_.push_back(&found);
    std::stable_sort(records_.begin(), records_.end(), [](const auto* a, const auto* b) { return a->time < b->time; });
    if (newest_first) std::reverse(records_.begin(), records_.end());
  }
  bool Peek(base::TimeNs* time) override {
    if (next_ == records_.size()) return false;
    *time = records_[next_]->time;
    return true;
  }
  const model::Record* Current() override { return records_[next_]; }
  void Advance() override { ++next_; }

 private:
  std::vector<std::shared_ptr<const Batch>> batches_;
  std::deque<model::Record> found_;
  std::vector<const model::Record*> records_;
  size_t next_ = 0;
};

class SegmentCursor : public Cursor {
 public:
  SegmentCursor(std::shared_ptr<const Segment> segment, const model::Selection& selection, bool newest_first)
      : segment_(std::move(segment)), selection_(selection), newest_first_(newest_first) {
    for (size_t i = 0; i < segment_->blocks().size(); ++i) {
      if (segment_->MayMatch(segment_->blocks()[i], selection)) blocks_.push_back(i);
    }
    if (newest_first) std::reverse(blocks_.begin(), blocks_.end());
  }
  bool Peek(base::TimeNs* time) override {
    if (next_ < records_.size()) {
      *time = records_[next_].time;
      return true;
    }
    if (next_block_ == blocks_.size()) return false;
    const Block& block = segment_->blocks()[blocks_[next_block_]];
    *time = newest_first_ ? block.max_time : block.min_time;
    return true;
  }
  const model::Record* Current() override {
    if (next_ < records_.size()) return &records_[next_];
    Load();
    return nullptr;
  }
  void Advance() override { ++next_; }

 private:
  void Load() {
    records_.clear();
    next_ = 0;
    auto records = segment_->ReadBlock(blocks_[next_block_++]);
    if (!records.ok()) {
      std::fprintf(stderr, "rankscope: %s\n", records.status().message().c_str());
      return;
    }
    for (model::Record& record : *records) {
      if (model::Matches(selection_, record)) records_.push_back(std::move(record));
    }
    if (newest_first_) std::reverse(records_.begin(), records_.end());
  }

  std::shared_ptr<const Segment> segment_;
  const model::Selection& selection_;
  const bool newest_first_;
  std::vector<size_t> blocks_;
  size_t next_block_ = 0;
  std::vector<model::Record> records_;
  size_t next_ = 0;
};

// k-way merge. Sources are in order of arrival: among equal times the earlier source comes first (reversed: last).
void Merge(std::vector<std::unique_ptr<Cursor>> cursors, bool newest_first,
           const std::function<bool(const model::Record&)>& take) {
  struct Head {
    base::TimeNs time;
    size_t source;
  };
  auto later = [newest_first](const Head& a, const Head& b) {
    if (a.time != b.time) return newest_first ? a.time < b.time : a.time > b.time;
    return newest_first ? a.source < b.source : a.source > b.source;
  };
  std::priority_queue<Head, std::vector<Head>, decltype(later)> heads(later);
  auto push = [&](size_t source) {
    Head head{0, source};
    if (cursors[source]->Peek(&head.time)) heads.push(head);
  };
  for (size_t source = 0; source < cursors.size(); ++source) push(source);
  while (!heads.empty()) {
    size_t source = heads.top().source;
    heads.pop();
    if (const model::Record* record = cursors[source]->Current()) {
      if (!take(*record)) return;
      cursors[source]->Advance();
    }
    push(source);
  }
}

class DiskStore : public Store {
 public:
  DiskStore(std::string folder, Options options) : folder_(std::move(folder)), options_(options) {}

  ~DiskStore() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (sealer_.joinable()) sealer_.join();
  }

  base::Status Start(std::vector<std::string>* damage) {
    RETURN_IF_ERROR(base::MakeDirectories(folder_));
    ASSIGN_OR_RETURN(manifest_, Manifest::Load(folder_ + "/MANIFEST"));
    for (const std::string& name : manifest_.segments) {
      auto segment = Segment::Open(folder_ + "/" + name);
      if (segment.ok()) {
        segments_.push_back(*segment);
      } else {
        damage->push_back(segment.status().message());
      }
    }
    RemoveLeftovers();
    active_.end_position = durable_position_ = manifest_.journal_position;
    sealer_ = std::thread([this] { SealLoop(); });
    return {};
  }

  base::Status Append(uint64_t end_position, std::shared_ptr<const model::RecordBatch> batch) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_.size() < kMaxWaiting || stopping_; });
    active_.bytes += batch->bytes();
    active_.batches.push_back(batch);
    active_.end_position = end_position;
    if (active_.bytes >= options_.memtable_bytes) Rotate();
    lock.unlock();
    std::lock_guard subscribers(subscribers_mutex_);
    for (const auto& [token, take] : subscribers_) take(*batch);
    return {};
  }

  uint64_t durable_position() const override { return durable_position_; }

  base::Status Flush() override {
    std::unique_lock lock(mutex_);
    uint64_t goal = active_.end_position;
    Rotate();
    changed_.wait(lock, [&] { return durable_position_ >= goal || !seal_error_.ok() || stopping_; });
    return seal_error_;
  }

  base::Status Scan(const model::Selection& selection, bool newest_first,
                    const std::function<bool(const model::Record&)>& take) override {
    std::vector<std::unique_ptr<Cursor>> cursors;
    std::vector<std::shared_ptr<const Batch>> batches;
    {
      std::lock_guard lock(mutex_);
      for (const auto& segment : segments_) {
        if (selection.job.empty() || segment->job() == selection.job) {
          cursors.push_back(std::make_unique<SegmentCursor>(segment, selection, newest_first));
        }
      }
      for (const auto& table : waiting_) batches.insert(batches.end(), table->batches.begin(), table->batches.end());
      batches.insert(batches.end(), active_.batches.begin(), active_.batches.end());
    }
    cursors.push_back(std::make_unique<MemoryCursor>(std::move(batches), selection, newest_first));
    Merge(std::move(cursors), newest_first, take);
    return {};
  }

  uint64_t Subscribe(std::function<void(const model::RecordBatch&)> take) override {
    std::lock_guard lock(subscribers_mutex_);
    subscribers_[++last_token_] = std::move(take);
    return last_token_;
  }

  void Unsubscribe(uint64_t token) override {
    std::lock_guard lock(subscribers_mutex_);
    subscribers_.erase(token);
  }

 private:
  // REQUIRES mutex_.
  void Rotate() {
    if (active_.batches.empty()) return;
    uint64_t position = active_.end_position;
    waiting_.push_back(std::make_shared<const Memtable>(std::move(active_)));
    active_ = {};
    active_.end_position = position;
    changed_.notify_all();
  }

  void SealLoop() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (stopping_) return;
      std::shared_ptr<const Memtable> table = waiting_.front();
      lock.unlock();
      std::vector<std::shared_ptr<const Segment>> sealed;
      base::Status status = Seal(*table, &sealed);
      lock.lock();
      seal_error_ = status;
      if (status.ok()) {
        segments_.insert(segments_.end(), sealed.begin(), sealed.end());
        waiting_.pop_front();
        durable_position_ = table->end_position;
      }
      changed_.notify_all();
      // A full disk: the memtable and the journal keep the records; Append waits once too many pile up.
      if (!status.ok()) changed_.wait_for(lock, kRetrySeal, [this] { return stopping_; });
    }
  }

  base::Status Seal(const Memtable& table, std::vector<std::shared_ptr<const Segment>>* sealed) {
    std::map<std::pair<std::string, std::string>, std::vector<const model::Record*>> jobs;
    std::deque<model::Record> all;
    model::RecordView view;
    for (const auto& batch : table.batches) {
      model::RecordBatch::Cursor cursor(*batch);
      while (cursor.Next(&view)) {
        view.CopyTo(&all.emplace_back());
        jobs[{all.back().origin.project, all.back().origin.job}].push_back(&all.back());
      }
    }
    Manifest next = manifest_;
    for (auto& [job, records] : jobs) {
      std::stable_sort(records.begin(), records.end(), [](const auto* a, const auto* b) { return a->time < b->time; });
      std::string folder = "projects/" + SafeName(job.first) + "/jobs/" + SafeName(job.second);
      RETURN_IF_ERROR(base::MakeDirectories(folder_ + "/" + folder));
      std::string name = folder + "/" + std::to_string(next.next_segment++) + ".segment";
      RETURN_IF_ERROR(Segment::Write(folder_ + "/" + name, records));
      ASSIGN_OR_RETURN(auto segment, Segment::Open(folder_ + "/" + name));
      sealed->push_back(std::move(segment));
      next.segments.push_back(std::move(name));
    }
    next.journal_position = table.end_position;
    RETURN_IF_ERROR(next.Save(folder_ + "/MANIFEST"));
    manifest_ = std::move(next);
    return {};
  }

  // Files that no manifest names: the server was killed between a segment and its manifest.
  void RemoveLeftovers() const {
    std::set<std::string> named(manifest_.segments.begin(), manifest_.segments.end());
    std::error_code error;
    std::filesystem::recursive_directory_iterator entries(folder_, error), end;
    std::vector<std::filesystem::path> gone;
    for (; !error && entries != end; entries.increment(error)) {
      bool segment = entries->path().extension() == ".segment";
      std::string name = std::filesystem::relative(entries->path(), folder_, error).string();
      if (segment && !named.contains(name)) gone.push_back(entries->path());
    }
    for (const auto& path : gone) std::filesystem::remove(path, error);
  }

  const std::string folder_;
  const Options options_;
  Manifest manifest_;  // the sealer's own after Start
  std::atomic<uint64_t> durable_position_{0};
  std::thread sealer_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  Memtable active_;
  std::deque<std::shared_ptr<const Memtable>> waiting_;
  std::vector<std::shared_ptr<const Segment>> segments_;
  base::Status seal_error_;
  bool stopping_ = false;

  std::mutex subscribers_mutex_;  // taken after mutex_ is released
  std::map<uint64_t, std::function<void(const model::RecordBatch&)>> subscribers_;
  uint64_t last_token_ = 0;
};

}  // namespace

base::Result<std::unique_ptr<Store>> Store::Open(const std::string& folder, Options options,
                                                 std::vector<std::string>* damage) {
  auto store = std::make_unique<DiskStore>(folder, options);
  RETURN_IF_ERROR(store->Start(damage));
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace rankscope::store
