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
#include <set>
#include <thread>

#include "base/file.h"
#include "store/manifest.h"
#include "store/piece_aggregation.h"
#include "store/row_source.h"
#include "store/segment.h"

namespace rankscope::store {
namespace {

constexpr size_t kMaxWaiting = 1;  // memtables being sealed; Append waits beyond
constexpr auto kRetry = std::chrono::seconds(1);
constexpr size_t kWorthSealing = 64 << 10;  // of an idle memtable
constexpr auto kMaxAge = std::chrono::seconds(60);
constexpr uint64_t kSmallBlockRows = 8 << 10;  // blocks of fewer are encoded anew when merged
constexpr uint32_t kSmallBlockBytes = 128 << 10;
constexpr uint64_t kMaxReencodedRows = 200'000;
constexpr uint64_t kMaxMergedBytes = uint64_t{1} << 30;

using Clock = std::chrono::steady_clock;
using JobKey = std::pair<std::string, std::string>;  // project, job
using Batches = std::vector<std::shared_ptr<const model::RecordBatch>>;
using SegmentPtr = std::shared_ptr<const Segment>;

// What is not yet in a segment. Batches are never changed once they are in.
struct Memtable {
  Batches batches;
  size_t bytes = 0;
  uint64_t end_position = 0;
  Clock::time_point since;
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

// The inverse.
std::string UnsafeName(std::string_view name) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '%') {
      out.push_back(name[i]);
    } else if (i + 2 < name.size()) {
      out.push_back(static_cast<char>(std::strtoul(std::string(name.substr(i + 1, 2)).c_str(), nullptr, 16)));
      i += 2;
    }
  }
  return out;
}

// Whether a segment of this name, below the store's folder, may hold records of the scan.
bool IsWanted(const std::string& name, const model::Scan& scan, const ScanFilter& filter) {
  std::filesystem::path path(name);  // projects/P/jobs/J/N.segment
  std::string job = UnsafeName(path.parent_path().filename().string());
  std::string project = UnsafeName(path.parent_path().parent_path().parent_path().filename().string());
  return project == scan.project && filter.MayMatchJob(project, job);
}

std::string FolderOf(const JobKey& job) { return "projects/" + SafeName(job.first) + "/jobs/" + SafeName(job.second); }

// The size class of a segment: neighbours of one class are merged.
int TierOf(const Segment& segment) {
  int tier = 0;
  for (uint64_t bytes = segment.file_bytes() >> 16; bytes > 0; bytes >>= 3) ++tier;
  return tier;
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
      auto segment = Segment::Open(folder_ + "/" + name, &headers_);
      if (!segment.ok()) {
        damage->push_back(segment.status().message());
        unreadable_[name] = segment.status();
        continue;
      }
      segments_.push_back({name, *segment});
      ASSIGN_OR_RETURN(auto dictionary, DictionaryOf({(*segment)->project(), (*segment)->job()}));
      if (dictionary->size() < (*segment)->templates()) {
        damage->push_back(
            name + " lacks templates: " + (dictionary->unread().empty() ? "their file is gone" : dictionary->unread()));
      }
    }
    RemoveLeftovers();
    active_.end_position = durable_position_ = manifest_.journal_position;
    sealer_ = std::thread([this] { BackgroundLoop(); });
    return {};
  }

  base::Status Append(uint64_t end_position, std::shared_ptr<const model::RecordBatch> batch) override {
    std::unique_lock lock(mutex_);
    changed_.wait(
        lock, [this] { return waiting_.size() < kMaxWaiting || active_.bytes < options_.memtable_bytes || stopping_; });
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

  uint64_t durable_position() const override { return durable_position_; }

  base::Status Flush() override {
    std::unique_lock lock(mutex_);
    uint64_t goal = active_.end_position;
    Rotate();
    changed_.wait(lock, [&] { return durable_position_ >= goal || !seal_error_.ok() || stopping_; });
    return durable_position_ >= goal ? base::Status() : seal_error_;
  }

  base::Status Compact() override {
    RETURN_IF_ERROR(Flush());
    std::lock_guard maintenance(maintenance_mutex_);
    std::set<JobKey> jobs;
    for (const Live& live : Segments()) jobs.insert({live.segment->project(), live.segment->job()});
    for (const JobKey& job : jobs) {
      std::vector<Live> all;
      for (const Live& live : Segments()) {
        if (JobKey(live.segment->project(), live.segment->job()) == job) all.push_back(live);
      }
      if (all.size() > 1) {
        RETURN_IF_ERROR(MergeSegments(all));
      }
    }
    return {};
  }

  base::Status Read(const model::Scan& scan, base::Budget* budget,
                    const std::function<bool(const model::Record&)>& take) override {
    ASSIGN_OR_RETURN(auto filter, ScanFilter::Compile(scan.filter, Caches()));
    View view = ViewOf(scan, *filter, budget);
    std::vector<std::unique_ptr<RowSource>> sources;
    for (const BlockPiece& piece : view.pieces) {
      sources.push_back(MakeBlockSource(piece.segment, piece.block, piece.templates, filter.get(), scan, budget));
    }
    sources.push_back(MakeMemorySource(std::move(view.batches), filter.get(), scan, budget));
    MergeSources(std::move(sources), scan, budget, take);
    return {};
  }

  base::Result<std::optional<model::Table>> Aggregate(const model::Scan& scan, const model::Aggregation& aggregation,
                                                      base::Budget* budget) override {
    if (!ColumnAggregator::Supports(aggregation)) return std::optional<model::Table>();
    ASSIGN_OR_RETURN(auto filter, ScanFilter::Compile(scan.filter, Caches()));
    View view = ViewOf(scan, *filter, budget);
    ColumnAggregator aggregator(aggregation);
    if (!AggregatePieces(view.pieces, scan.filter, Caches(), aggregation, budget, &aggregator)) {
      return std::optional<model::Table>();
    }
    auto memory = MakeMemorySource(std::move(view.batches), filter.get(), scan, budget);
    RowKey key;
    bool exact;
    while (memory->Peek(&key, &exact)) aggregator.Add(*memory->Next());
    return std::optional(aggregator.Finish());
  }

  base::Status DeleteJob(const std::string& project, const std::string& job) override {
    std::lock_guard maintenance(maintenance_mutex_);
    std::vector<Live> gone;
    for (const Live& live : Segments()) {
      if (live.segment->project() == project && live.segment->job() == job) gone.push_back(live);
    }
    return gone.empty() ? base::Status() : Replace(gone, {});
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
  struct Live {
    std::string name;  // below the folder
    SegmentPtr segment;
  };
  // What a scan may have to look at, as it was at one moment.
  struct View {
    std::vector<BlockPiece> pieces;  // in order of arrival
    Batches batches;
  };

  View ViewOf(const model::Scan& scan, const ScanFilter& filter, base::Budget* budget) {
    View view;
    std::vector<SegmentPtr> segments;
    {
      std::lock_guard lock(mutex_);
      for (const Live& live : segments_) segments.push_back(live.segment);
      for (const auto& table : waiting_)
        view.batches.insert(view.batches.end(), table->batches.begin(), table->batches.end());
      view.batches.insert(view.batches.end(), active_.batches.begin(), active_.batches.end());
    }
    std::map<JobKey, bool> wanted;
    for (const SegmentPtr& segment : segments) {
      if (segment->project() != scan.project) continue;
      if (segment->max_time() < filter.since() || segment->min_time() >= filter.until()) continue;
      JobKey job(segment->project(), segment->job());
      auto [at, fresh] = wanted.try_emplace(job, false);
      if (fresh) at->second = filter.MayMatchJob(job.first, job.second);
      if (!at->second) continue;
      auto dictionary = DictionaryOf(job);
      if (!dictionary.ok()) {
        ReportDamage(dictionary.status(), budget);
        continue;
      }
      for (size_t block = 0; block < segment->blocks().size(); ++block) {
        const BlockInfo& info = segment->blocks()[block];
        if (info.max_time >= filter.since() && info.min_time < filter.until())
          view.pieces.push_back({segment, block, *dictionary});
      }
    }
    for (const auto& [name, damage] : unreadable_) {
      if (IsWanted(name, scan, filter)) budget->LeaveOut(damage);
    }
    return view;
  }

  ScanCaches Caches() { return {&verdicts_, &columns_}; }

  std::vector<Live> Segments() {
    std::lock_guard lock(mutex_);
    return segments_;
  }

  base::Result<std::shared_ptr<TemplateDictionary>> DictionaryOf(const JobKey& job) {
    std::lock_guard lock(dictionaries_mutex_);
    auto& dictionary = dictionaries_[job];
    if (dictionary) return dictionary;
    ASSIGN_OR_RETURN(dictionary, TemplateDictionary::Open(folder_ + "/" + FolderOf(job) + "/templates"));
    return dictionary;
  }

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
      lock.unlock();
      base::Status status = Seal(*table);
      if (status.ok()) MergeWhenDue();
      lock.lock();
      seal_error_ = status;
      changed_.notify_all();
      // A full disk: the memtable and the journal keep the records; Append waits once too many pile up.
      if (!status.ok()) changed_.wait_for(lock, kRetry, [this] { return stopping_; });
    }
  }

  base::Status Seal(const Memtable& table) {
    std::lock_guard maintenance(maintenance_mutex_);
    std::map<JobKey, RowBuffer> jobs;
    size_t records = 0;
    for (const auto& batch : table.batches) records += batch->size();
    for (const auto& batch : table.batches) RETURN_IF_ERROR(Split(*batch, records, &jobs));
    std::vector<Live> sealed;
    Manifest next = manifest_;
    for (auto& [job, buffer] : jobs) {
      buffer.Finish();
      ASSIGN_OR_RETURN(auto dictionary, DictionaryOf(job));
      ASSIGN_OR_RETURN(Live live, WriteSegment(job, dictionary.get(), &next,
                                               [&](SegmentWriter* writer) { return writer->Add(buffer); }));
      sealed.push_back(std::move(live));
    }
    next.journal_position = table.end_position;
    RETURN_IF_ERROR(next.Save(folder_ + "/MANIFEST"));
    manifest_ = std::move(next);
    std::lock_guard lock(mutex_);
    segments_.insert(segments_.end(), sealed.begin(), sealed.end());
    waiting_.pop_front();
    durable_position_ = table.end_position;
    return {};
  }

  base::Status Split(const model::RecordBatch& batch, size_t records, std::map<JobKey, RowBuffer>* jobs) {
    std::vector<RowBuffer*> buffers;
    for (const model::Origin& origin : batch.origins()) {
      JobKey job(origin.project, origin.job);
      auto found = jobs->find(job);
      if (found == jobs->end()) {
        RETURN_IF_ERROR(base::MakeDirectories(folder_ + "/" + FolderOf(job)));
        ASSIGN_OR_RETURN(auto dictionary, DictionaryOf(job));
        found = jobs->emplace(job, RowBuffer(std::move(dictionary))).first;
        if (jobs->size() == 1) found->second.Reserve(records);  // mostly there is one
      }
      buffers.push_back(&found->second);
    }
    model::RecordBatch::Cursor cursor(batch);
    model::RecordView view;
    while (cursor.Next(&view)) buffers[view.origin_index]->Add(view);
    return {};
  }

  // Writes what `fill` adds into a new segment, named in *next.
  base::Result<Live> WriteSegment(const JobKey& job, TemplateDictionary* dictionary, Manifest* next,
                                  const std::function<base::Status(SegmentWriter*)>& fill) {
    std::string name = FolderOf(job) + "/" + std::to_string(next->next_segment++) + ".segment";
    ASSIGN_OR_RETURN(auto writer, SegmentWriter::Create(folder_ + "/" + name, job.first, job.second));
    RETURN_IF_ERROR(fill(writer.get()));
    RETURN_IF_ERROR(dictionary->Save());
    RETURN_IF_ERROR(writer->Finish(dictionary->size()));
    ASSIGN_OR_RETURN(auto segment, Segment::Open(folder_ + "/" + name, &headers_));
    next->segments.push_back(name);
    return Live{name, std::move(segment)};
  }

  // The first run of small neighbours of a job, in order of arrival, that is worth merging.
  std::vector<Live> DueMerge() {
    std::map<JobKey, std::vector<Live>> jobs;
    for (const Live& live : Segments()) {
      if (!unmergeable_.contains(live.name)) jobs[{live.segment->project(), live.segment->job()}].push_back(live);
    }
    for (auto& [job, all] : jobs) {
      for (size_t begin = 0; begin < all.size();) {
        size_t end = begin;
        int tier = TierOf(*all[begin].segment);
        uint64_t bytes = 0;
        while (end < all.size() && TierOf(*all[end].segment) <= tier && bytes < kMaxMergedBytes)
          bytes += all[end++].segment->file_bytes();
        size_t same = end - begin;
        if (same >= options_.merge_at && bytes < 2 * kMaxMergedBytes)
          return {all.begin() + static_cast<long>(begin), all.begin() + static_cast<long>(end)};
        ++begin;
      }
    }
    return {};
  }

  void MergeWhenDue() {
    while (true) {
      {
        std::lock_guard lock(mutex_);
        if (stopping_ || !waiting_.empty()) return;
      }
      std::lock_guard maintenance(maintenance_mutex_);
      std::vector<Live> inputs = DueMerge();
      if (inputs.empty()) return;
      if (auto status = MergeSegments(inputs); !status.ok()) {
        // The inputs stay as they are: damaged ones for good, others until the next look (a full disk).
        ReportDamage(status);
        if (status.code() == base::Code::kCorrupt) {
          for (const Live& live : inputs) unmergeable_.insert(live.name);
        }
        return;
      }
    }
  }

  // REQUIRES maintenance_mutex_. Large blocks are copied, runs of small ones encoded anew.
  base::Status MergeSegments(const std::vector<Live>& inputs) {
    JobKey job(inputs[0].segment->project(), inputs[0].segment->job());
    ASSIGN_OR_RETURN(auto dictionary, DictionaryOf(job));
    Manifest next = manifest_;
    ASSIGN_OR_RETURN(Live merged, WriteSegment(job, dictionary.get(), &next, [&](SegmentWriter* writer) {
                       return FillMerged(inputs, dictionary, writer);
                     }));
    return Replace(inputs, merged, std::move(next));
  }

  static base::Status FillMerged(const std::vector<Live>& inputs, const std::shared_ptr<TemplateDictionary>& dictionary,
                                 SegmentWriter* writer) {
    std::vector<std::pair<SegmentPtr, size_t>> small;
    uint64_t small_rows = 0;
    auto flush = [&]() -> base::Status {
      if (small.empty()) return {};
      ASSIGN_OR_RETURN(auto batch, Decode(small, dictionary));
      RowBuffer buffer(dictionary);
      model::RecordBatch::Cursor cursor(*batch);
      model::RecordView view;
      while (cursor.Next(&view)) buffer.Add(view);
      buffer.Finish();
      small.clear();
      small_rows = 0;
      return writer->Add(buffer);
    };
    for (const Live& input : inputs) {
      for (size_t block = 0; block < input.segment->blocks().size(); ++block) {
        uint64_t rows = input.segment->blocks()[block].rows;
        if (rows >= kSmallBlockRows || input.segment->blocks()[block].bytes >= kSmallBlockBytes) {
          RETURN_IF_ERROR(writer->Copy(*input.segment, block));
          continue;
        }
        small.emplace_back(input.segment, block);
        small_rows += rows;
        if (small_rows >= kMaxReencodedRows) {
          RETURN_IF_ERROR(flush());
        }
      }
    }
    return flush();
  }

  static base::Result<std::shared_ptr<const model::RecordBatch>> Decode(
      const std::vector<std::pair<SegmentPtr, size_t>>& blocks,
      const std::shared_ptr<const TemplateDictionary>& dictionary) {
    model::RecordBatchBuilder builder;
    model::Record record;
    for (const auto& [segment, block] : blocks) {
      ASSIGN_OR_RETURN(auto header, segment->Header(block));
      BlockReader reader(segment, block, header, dictionary);
      for (uint32_t row = 0; row < reader.rows(); ++row) {
        if (!reader.ReadRow(row, true, true, &record)) return reader.status();
        builder.Add(record);
      }
    }
    return model::RecordBatch::Decode(builder.Take());
  }

  // REQUIRES maintenance_mutex_.
  base::Status Replace(const std::vector<Live>& gone, const Live& merged, std::optional<Manifest> prepared = {}) {
    Manifest next = prepared ? *std::move(prepared) : manifest_;
    std::set<std::string> names;
    for (const Live& live : gone) names.insert(live.name);
    // The merged one takes the first one's place: the order is that of arrival.
    if (merged.segment) next.segments.pop_back();
    auto first = std::find_if(next.segments.begin(), next.segments.end(),
                              [&](const auto& name) { return names.contains(name); });
    if (merged.segment) first = next.segments.insert(first, merged.name);
    std::erase_if(next.segments, [&](const std::string& name) { return names.contains(name); });
    RETURN_IF_ERROR(next.Save(folder_ + "/MANIFEST"));
    manifest_ = std::move(next);
    {
      std::lock_guard lock(mutex_);
      auto at =
          std::find_if(segments_.begin(), segments_.end(), [&](const Live& live) { return names.contains(live.name); });
      if (merged.segment) segments_.insert(at, merged);
      std::erase_if(segments_, [&](const Live& live) { return names.contains(live.name); });
    }
    // Readers have the files open; one that stays behind is removed at the next start.
    for (const std::string& name : names) unlink((folder_ + "/" + name).c_str());
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
  HeaderCache headers_;
  VerdictCache verdicts_;
  ColumnCache columns_;
  std::atomic<uint64_t> durable_position_{0};
  std::thread sealer_;

  std::mutex maintenance_mutex_;  // of sealing, merging and deleting: guards manifest_; taken before mutex_
  Manifest manifest_;
  std::set<std::string> unmergeable_;  // by name; also under maintenance_mutex_

  std::mutex dictionaries_mutex_;
  std::map<JobKey, std::shared_ptr<TemplateDictionary>> dictionaries_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  Memtable active_;
  Clock::time_point last_append_;
  std::deque<std::shared_ptr<const Memtable>> waiting_;
  std::vector<Live> segments_;
  std::map<std::string, base::Status> unreadable_;  // segments by name; set by Start
  base::Status seal_error_;
  bool stopping_ = false;

  std::mutex subscribers_mutex_;  // taken after mutex_ is released
  std::map<uint64_t, std::function<void(const std::shared_ptr<const model::RecordBatch>&)>> subscribers_;
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
