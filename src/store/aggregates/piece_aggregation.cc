#include "store/aggregates/piece_aggregation.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/clock.h"
#include "store/rollups/rollup_answer.h"
#include "store/rollups/rollup_groups.h"

namespace rankscope::store {
namespace {

constexpr size_t kParts = 16;  // small ones: a helper that has to wait for a CPU keeps one of them
constexpr size_t kMaxThreads = 4;
constexpr int64_t kWorthHelpNs = 400'000;

// Blocks that lie side by side, and a share of each rollup of a segment, with an aggregator of their own: sums are made
// in the same order whoever makes them.
struct Part {
  size_t begin = 0, end = 0;
  std::unique_ptr<ColumnAggregator> aggregator;
};

class Aggregation {
 public:
  Aggregation(std::vector<BlockPiece> pieces, const model::Filter& filter, const ScanCaches& caches,
              const model::Aggregation& aggregation, base::Budget* budget)
      : pieces_(std::move(pieces)),
        filter_(filter),
        caches_(caches),
        aggregation_(aggregation),
        budget_(budget),
        begun_at_(base::MonotonicNow()),
        by_rollups_(RollupsAnswer(aggregation)) {}

  std::optional<AggregatedParts> Run() {
    size_t count = std::min(kParts, pieces_.size());
    if (by_rollups_) TakeWholeSegments();
    SortByTime();
    for (size_t i = 0; i < count; ++i) {
      parts_.push_back({pieces_.size() * i / count, pieces_.size() * (i + 1) / count,
                        std::make_unique<ColumnAggregator>(aggregation_, budget_)});
    }
    Work(/*calls_help=*/true);
    for (std::thread& helper : helpers_) helper.join();
    if (needs_records_) return std::nullopt;
    AggregatedParts aggregated;
    for (Part& part : parts_) aggregated.push_back(std::move(part.aggregator));
    return aggregated;
  }

 private:
  // Of a segment of which all blocks are wanted one rollup answers for those that it knows.
  void TakeWholeSegments() {
    auto filter = ScanFilter::Compile(filter_, caches_);
    if (!filter.ok()) return;  // it compiled before
    std::vector<BlockPiece> left;
    for (auto at = pieces_.begin(), end = at; at != pieces_.end(); at = end) {
      const auto& segment = at->segment;
      end = std::find_if(at, pieces_.end(), [&](const auto& piece) { return piece.segment != segment; });
      bool whole = end - at > 1 && static_cast<size_t>(end - at) == segment->blocks().size();
      auto answer = whole && !budget_->Spent() ? AnswerOf(*segment, std::nullopt, **filter) : nullptr;
      std::copy_if(at, end, std::back_inserter(left),
                   [&](const BlockPiece& piece) { return !answer || !answer->rollup().Knows(piece.block); });
      if (!answer) continue;
      segments_.push_back(segment);
      answers_.push_back(std::move(answer));
    }
    pieces_ = std::move(left);
  }

  // Those of one time side by side: they have groups in common, which one part then has alone.
  void SortByTime() {
    auto begin_of = [](const BlockPiece& piece) { return piece.segment->blocks()[piece.block].min_time; };
    std::stable_sort(pieces_.begin(), pieces_.end(),
                     [&](const BlockPiece& a, const BlockPiece& b) { return begin_of(a) < begin_of(b); });
  }

  void Work(bool calls_help) {
    auto filter = ScanFilter::Compile(filter_, caches_);
    if (!filter.ok()) return;  // it compiled before
    auto look_for_help = [&] {
      if (!calls_help || base::MonotonicNow() - begun_at_ <= kWorthHelpNs) return;
      calls_help = false;
      CallHelp();
    };
    for (size_t number; (number = next_++) < parts_.size();) {
      const Part& part = parts_[number];
      for (const auto& answer : answers_) {
        if (!budget_->Spent()) part.aggregator->Add(*answer, number, parts_.size());
        look_for_help();
      }
      for (size_t at = part.begin; at < part.end && !needs_records_ && !budget_->Spent(); ++at) {
        if (!Add(pieces_[at], **filter, part.aggregator.get())) needs_records_ = true;
        look_for_help();
      }
    }
  }

  void CallHelp() {
    size_t threads = std::min<size_t>({std::thread::hardware_concurrency(), kMaxThreads, parts_.size()});
    for (size_t i = 1; i < threads; ++i) helpers_.emplace_back([this] { Work(/*calls_help=*/false); });
  }

  // Of one block, or of the whole segment. Null: rows must be looked at.
  std::unique_ptr<const RollupAnswer> AnswerOf(const Segment& segment, std::optional<size_t> block,
                                               const ScanFilter& filter) const {
    base::TimeNs min_time = block ? segment.blocks()[*block].min_time : segment.min_time();
    base::TimeNs max_time = block ? segment.blocks()[*block].max_time : segment.max_time();
    if (!by_rollups_ || !filter.MayJudgeRollups(min_time, max_time)) return nullptr;
    auto rollup = block ? Rollup::OfBlock(segment, *block, caches_.columns)  //
                        : Rollup::OfSegment(segment, caches_.columns);
    if (!rollup) return nullptr;
    auto judgement = filter.JudgeRollup(segment, min_time, max_time, rollup->header());
    if (!judgement) return nullptr;
    return RollupAnswer::Of(segment, std::move(rollup), *judgement, aggregation_, caches_.columns);
  }

  // False: the block must be read as records.
  bool Add(const BlockPiece& piece, const ScanFilter& filter, ColumnAggregator* aggregator) {
    if (auto answer = AnswerOf(*piece.segment, piece.block, filter)) {
      aggregator->Add(*answer, 0, 1);
      return true;
    }
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

  std::vector<BlockPiece> pieces_;
  const model::Filter& filter_;
  const ScanCaches& caches_;
  const model::Aggregation& aggregation_;
  base::Budget* budget_;
  const int64_t begun_at_;
  const bool by_rollups_;
  // What is answered by rollups of segments, which are kept while it is looked at.
  std::vector<std::shared_ptr<const Segment>> segments_;
  std::vector<std::unique_ptr<const RollupAnswer>> answers_;
  std::vector<Part> parts_;
  std::vector<std::thread> helpers_;  // the calling thread's
  std::atomic<size_t> next_{0};
  std::atomic<bool> needs_records_{false};
};

}  // namespace

std::optional<AggregatedParts> AggregatePieces(std::vector<BlockPiece> pieces, const model::Filter& filter,
                                               const ScanCaches& caches, const model::Aggregation& aggregation,
                                               base::Budget* budget) {
  return Aggregation(std::move(pieces), filter, caches, aggregation, budget).Run();
}

}  // namespace rankscope::store
