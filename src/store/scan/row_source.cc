#include "store/scan/row_source.h"

#include <algorithm>
#include <queue>
#include <utility>

namespace rankscope::store {
namespace {

class BlockSource : public RowSource {
 public:
  BlockSource(std::shared_ptr<const Segment> segment, size_t block,
              std::shared_ptr<const TemplateDictionary> dictionary, const ScanFilter* filter, const model::Scan& scan,
              base::Budget* budget)
      : segment_(std::move(segment)),
        block_(block),
        dictionary_(std::move(dictionary)),
        filter_(filter),
        budget_(budget),
        newest_first_(scan.newest_first) {
    for (const std::string& name : scan.fields) {
      auto kind = model::RecordKey::Of(name).kind;
      if (kind == model::RecordKey::Kind::kMessage) text_ = true;
      if (kind != model::RecordKey::Kind::kTimestamp && kind != model::RecordKey::Kind::kMessage) fields_ = true;
    }
    if (scan.fields.empty()) text_ = fields_ = true;
    // A text that is there is told from one that is not by the fields.
    fields_ = fields_ || text_;
  }

  bool Peek(RowKey* key, bool* exact) override {
    *exact = opened_;
    if (!opened_) {
      const BlockInfo& info = segment_->blocks()[block_];
      key->time = newest_first_ ? info.max_time : info.min_time;
      key->seq = newest_first_ ? UINT64_MAX : 0;
      key->rank = newest_first_ ? INT32_MAX : INT32_MIN;
      return true;
    }
    if (next_ == order_.size()) return false;
    *key = KeyOf(order_[next_]);
    return true;
  }

  const model::Record* Next() override {
    if (!opened_) {
      Open();
      return nullptr;
    }
    if (reader_->ReadRow(order_[next_++], text_, fields_, &record_)) return &record_;
    ReportDamage(reader_->status(), budget_);
    if (reader_->recoverable()) {
      reader_->Forgive();  // that row is lost, others may not be
    } else {
      order_.clear();
      next_ = 0;
    }
    return nullptr;
  }

 private:
  RowKey KeyOf(uint32_t row) {
    return {reader_->times()[row], static_cast<uint64_t>(reader_->seqs()[row]),
            reader_->header().origins[reader_->origins()[row]].rank.value_or(-1)};
  }

  void Open() {
    opened_ = true;
    auto header = segment_->Header(block_);
    if (!header.ok()) return ReportDamage(header.status(), budget_);
    reader_ = std::make_unique<BlockReader>(segment_, block_, *header, dictionary_, filter_->caches().columns);
    order_ = filter_->Select(reader_.get(), budget_).rows();
    if (!order_.empty() && (reader_->times().empty() || reader_->seqs().empty())) order_.clear();
    if (!reader_->ok()) return ReportDamage(reader_->status(), budget_);
    SortRows();
    if (newest_first_) std::reverse(order_.begin(), order_.end());
  }

  // With the keys side by side: to look for each of them in its columns would wait for memory.
  void SortRows() {
    std::vector<std::pair<RowKey, uint32_t>> keyed;
    keyed.reserve(order_.size());
    for (uint32_t row : order_) keyed.emplace_back(KeyOf(row), row);
    if (std::is_sorted(keyed.begin(), keyed.end())) return;
    std::sort(keyed.begin(), keyed.end());
    for (size_t i = 0; i < keyed.size(); ++i) order_[i] = keyed[i].second;
  }

  std::shared_ptr<const Segment> segment_;
  const size_t block_;
  std::shared_ptr<const TemplateDictionary> dictionary_;
  const ScanFilter* filter_;
  base::Budget* budget_;
  const bool newest_first_;
  bool text_ = false, fields_ = false;
  bool opened_ = false;
  std::unique_ptr<BlockReader> reader_;
  std::vector<uint32_t> order_;
  size_t next_ = 0;
  model::Record record_;
};

class MemorySource : public RowSource {
 public:
  MemorySource(const std::vector<std::shared_ptr<const model::RecordBatch>>& batches, const ScanFilter* filter,
               const model::Scan& scan, base::Budget* budget) {
    model::RecordView view;
    model::Record record;
    for (const auto& batch : batches) {
      std::vector<char> wanted;
      for (const model::Origin& origin : batch->origins()) {
        wanted.push_back(origin.project == scan.project && filter->MayMatchJob(origin.project, origin.job));
      }
      model::RecordBatch::Cursor cursor(*batch);
      while (cursor.Next(&view)) {
        if (!wanted[view.origin_index] || view.time < filter->since() || view.time >= filter->until()) continue;
        if (budget->Spent()) return;
        view.CopyTo(&record);
        if (filter->Matches(record)) found_.push_back(record);
      }
    }
    for (uint32_t i = 0; i < found_.size(); ++i) order_.push_back(i);
    std::stable_sort(order_.begin(), order_.end(), [this](uint32_t a, uint32_t b) { return KeyOf(a) < KeyOf(b); });
    if (scan.newest_first) std::reverse(order_.begin(), order_.end());
  }

  bool Peek(RowKey* key, bool* exact) override {
    *exact = true;
    if (next_ == order_.size()) return false;
    *key = KeyOf(order_[next_]);
    return true;
  }
  const model::Record* Next() override { return &found_[order_[next_++]]; }

 private:
  RowKey KeyOf(uint32_t index) const {
    const model::Record& record = found_[index];
    return {record.time, record.seq, record.origin.rank.value_or(-1)};
  }

  std::vector<model::Record> found_;
  std::vector<uint32_t> order_;
  size_t next_ = 0;
};

}  // namespace

std::unique_ptr<RowSource> MakeBlockSource(std::shared_ptr<const Segment> segment, size_t block,
                                           std::shared_ptr<const TemplateDictionary> dictionary,
                                           const ScanFilter* filter, const model::Scan& scan, base::Budget* budget) {
  return std::make_unique<BlockSource>(std::move(segment), block, std::move(dictionary), filter, scan, budget);
}

std::unique_ptr<RowSource> MakeMemorySource(const std::vector<std::shared_ptr<const model::RecordBatch>>& batches,
                                            const ScanFilter* filter, const model::Scan& scan, base::Budget* budget) {
  return std::make_unique<MemorySource>(batches, filter, scan, budget);
}

void MergeSources(std::vector<std::unique_ptr<RowSource>> sources, const model::Scan& scan, base::Budget* budget,
                  const std::function<bool(const model::Record&)>& take) {
  struct Head {
    RowKey key;
    bool exact;
    size_t source;
  };
  bool newest = scan.newest_first;
  auto later = [newest](const Head& a, const Head& b) {
    if (a.key != b.key) return newest ? a.key < b.key : a.key > b.key;
    // A bound first: what is behind it may come before.
    if (a.exact != b.exact) return a.exact;
    return newest ? a.source < b.source : a.source > b.source;
  };
  std::priority_queue<Head, std::vector<Head>, decltype(later)> heads(later);
  auto push = [&](size_t source) {
    Head head{{}, true, source};
    if (sources[source]->Peek(&head.key, &head.exact)) {
      heads.push(head);
    } else {
      sources[source].reset();
    }
  };
  for (size_t source = 0; source < sources.size(); ++source) push(source);
  for (uint64_t taken = 0; !heads.empty() && !budget->Spent();) {
    size_t source = heads.top().source;
    heads.pop();
    if (const model::Record* record = sources[source]->Next()) {
      if (!take(*record) || ++taken == scan.limit) return;
    }
    push(source);
  }
}

}  // namespace rankscope::store
