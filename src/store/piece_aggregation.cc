#include "store/piece_aggregation.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/clock.h"
#include "store/rollup.h"
#include "store/rollup_groups.h"

namespace rankscope::store {
namespace {

constexpr size_t kParts = 16;  // small ones: a helper that has to wait for a CPU keeps one of them
constexpr size_t kMaxThreads = 4;
constexpr int64_t kWorthHelpNs = 400'000;

// Pieces that lie side by side, with an aggregator of their own: sums are made in the same order whoever makes them.
struct Part {
  size_t begin = 0, end = 0;
  std::unique_ptr<ColumnAggregator> aggregator;
};

class Aggregation {
 public:
  Aggregation(const std::vector<BlockPiece>& pieces, const model::Filter& filter, const ScanCaches& caches,
              const model::Aggregation& aggregation, base::Budget* budget)
      : pieces_(pieces),
        filter_(filter),
        caches_(caches),
        budget_(budget),
        begun_at_(base::MonotonicNow()),
        by_rollups_(RollupsAnswer(aggregation)) {
    size_t count = std::min(kParts, pieces.size());
    for (size_t i = 0; i < count; ++i) {
      parts_.push_back({pieces.size() * i / count, pieces.size() * (i + 1) / count,
                        std::make_unique<ColumnAggregator>(aggregation, budget)});
    }
  }

  std::optional<AggregatedParts> Run() {
    Work(/*calls_help=*/true);
    for (std::thread& helper : helpers_) helper.join();
    if (needs_records_) return std::nullopt;
    AggregatedParts aggregated;
    for (Part& part : parts_) aggregated.push_back(std::move(part.aggregator));
    return aggregated;
  }

 private:
  void Work(bool calls_help) {
    auto filter = ScanFilter::Compile(filter_, caches_);
    if (!filter.ok()) return;  // it compiled before
    for (size_t number; (number = next_++) < parts_.size();) {
      const Part& part = parts_[number];
      for (size_t at = part.begin; at < part.end && !needs_records_ && !budget_->Spent(); ++at) {
        if (!Add(pieces_[at], **filter, part.aggregator.get())) needs_records_ = true;
        if (calls_help && base::MonotonicNow() - begun_at_ > kWorthHelpNs) {
          calls_help = false;
          CallHelp();
        }
      }
    }
  }

  void CallHelp() {
    size_t threads = std::min<size_t>({std::thread::hardware_concurrency(), kMaxThreads, parts_.size()});
    for (size_t i = 1; i < threads; ++i) helpers_.emplace_back([this] { Work(/*calls_help=*/false); });
  }

  // False: the block's rows must be looked at.
  bool AddRollup(const BlockPiece& piece, const ScanFilter& filter, ColumnAggregator* aggregator) {
    auto rollup = by_rollups_ ? ReadRollup(*piece.segment, piece.block, caches_.columns) : nullptr;
    if (!rollup) return false;
    auto judgement = filter.JudgeRollup(*piece.segment, piece.segment->blocks()[piece.block], rollup->header);
    return judgement && aggregator->Add(*piece.segment, *rollup, *judgement, caches_.columns);
  }

  // False: the block must be read as records.
  bool Add(const BlockPiece& piece, const ScanFilter& filter, ColumnAggregator* aggregator) {
    if (AddRollup(piece, filter, aggregator)) return true;
    auto header = piece.segment->Header(piece.block);
    if (!header.ok()) {
      ReportDamage(header.status(), budget_);
      return true;
    }
    BlockReader reader(piece.segment, piece.block, *header, piece.templates, caches_.columns);
    if (aggregator->counts_only()) {
      if (auto count = filter.CountByHeader(&reader)) {
        aggregator->AddCount(*count);
        return true;
      }
    }
    SelectedRows selected = filter.Select(&reader, budget_);
    bool added = !reader.ok() || aggregator->Add(&reader, selected);
    if (reader.ok()) return added;
    ReportDamage(reader.status(), budget_);
    return true;
  }

  const std::vector<BlockPiece>& pieces_;
  const model::Filter& filter_;
  const ScanCaches& caches_;
  base::Budget* budget_;
  const int64_t begun_at_;
  const bool by_rollups_;
  std::vector<Part> parts_;
  std::vector<std::thread> helpers_;  // the calling thread's
  std::atomic<size_t> next_{0};
  std::atomic<bool> needs_records_{false};
};

}  // namespace

std::optional<AggregatedParts> AggregatePieces(std::vector<BlockPiece> pieces, const model::Filter& filter,
                                               const ScanCaches& caches, const model::Aggregation& aggregation,
                                               base::Budget* budget) {
  // Those of one time side by side: they have groups in common, which one part then has alone.
  auto begin_of = [](const BlockPiece& piece) { return piece.segment->blocks()[piece.block].min_time; };
  std::stable_sort(pieces.begin(), pieces.end(),
                   [&](const BlockPiece& a, const BlockPiece& b) { return begin_of(a) < begin_of(b); });
  return Aggregation(pieces, filter, caches, aggregation, budget).Run();
}

}  // namespace rankscope::store
