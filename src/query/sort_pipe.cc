#include <algorithm>
#include <vector>

#include "query/cell.h"
#include "query/pipes.h"

namespace rankscope::query {
namespace {

// Stable: rows that the keys do not tell apart stay as they came, but of `timestamp desc` alone, which is the reverse
// of the order of time. Of a sort that only wants the first N, at most 2 N rows are held.
class SortStage : public Stage {
 public:
  SortStage(const SortPipe& pipe, Execution* execution, Stage* next)
      : keep_(pipe.keep), budget_(execution->budget), next_(next) {
    for (const auto& key : pipe.keys) {
      keys_.push_back(model::RecordKey::Of(key.name));
      descending_.push_back(key.descending);
    }
    reverses_ = pipe.keys.size() == 1 && pipe.keys[0].name == "timestamp" && pipe.keys[0].descending;
  }

  bool Take(const Row& row) override {
    Entry entry{{}, HeldRow(row), MemoryOf(row), arrivals_++};
    for (const auto& key : keys_) entry.keys.push_back(row.GetCell(key));
    budget_->Take(entry.bytes);
    rows_.push_back(std::move(entry));
    if (keep_ > 0 && rows_.size() >= 2 * keep_) Trim();
    return true;
  }

  void Finish() override {
    Sort();
    for (const Entry& entry : rows_) {
      if (!next_->Take(entry.held.row())) break;
    }
    next_->Finish();
  }

 private:
  struct Entry {
    std::vector<model::Cell> keys;
    HeldRow held;
    size_t bytes;
    uint64_t arrival;
  };

  bool Before(const Entry& a, const Entry& b) const {
    for (size_t i = 0; i < keys_.size(); ++i) {
      int order = Compare(ViewOf(a.keys[i]), ViewOf(b.keys[i]));
      if (order != 0) return descending_[i] ? order > 0 : order < 0;
    }
    return reverses_ ? a.arrival > b.arrival : a.arrival < b.arrival;
  }

  void Sort() {
    std::sort(rows_.begin(), rows_.end(), [this](const Entry& a, const Entry& b) { return Before(a, b); });
  }

  void Trim() {
    Sort();
    for (size_t i = keep_; i < rows_.size(); ++i) budget_->Give(rows_[i].bytes);
    rows_.erase(rows_.begin() + static_cast<std::ptrdiff_t>(keep_), rows_.end());
  }

  std::vector<model::RecordKey> keys_;
  std::vector<bool> descending_;
  bool reverses_ = false;
  uint64_t arrivals_ = 0;
  const uint64_t keep_;
  base::Budget* budget_;
  Stage* next_;
  std::vector<Entry> rows_;
};

}  // namespace

base::Result<Pipe> ParseSort(Scanner* scanner) {
  SortPipe sort;
  scanner->TakeKeyword("by");
  RETURN_IF_ERROR(scanner->List([&]() -> base::Status {
    SortPipe::Key key;
    ASSIGN_OR_RETURN(key.name, scanner->Column());
    scanner->SkipBlanks();
    key.descending = scanner->TakeKeyword("desc");
    if (!key.descending) scanner->TakeKeyword("asc");
    sort.keys.push_back(std::move(key));
    return {};
  }));
  return Pipe(std::move(sort));
}

std::unique_ptr<Stage> Start(const SortPipe& pipe, Execution* execution, Stage* next) {
  return std::make_unique<SortStage>(pipe, execution, next);
}

}  // namespace rankscope::query
