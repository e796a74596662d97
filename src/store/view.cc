#include "store/view.h"

#include <algorithm>

#include "store/aggregates/column_aggregator.h"
#include "store/aggregates/piece_aggregation.h"
#include "store/job_folder.h"
#include "store/scan/row_source.h"

namespace rankscope::store {
namespace {

// To ask a segment's summary is worth it for at least one in these of its blocks: it may have to be made first.
constexpr ptrdiff_t kSomeBlocks = 8;

// Takes the blocks out that are counted as a whole, and says what they come to.
uint64_t CountSegments(const ScanFilter& filter, std::vector<BlockPiece>* pieces) {
  uint64_t count = 0;
  const Segment* last = nullptr;
  std::optional<ScanFilter::SummaryCount> of_last;
  std::erase_if(*pieces, [&](const BlockPiece& piece) {
    if (piece.segment.get() != last) {
      last = piece.segment.get();
      of_last = filter.CountBySummary(piece.segment, piece.templates);
      count += of_last ? of_last->rows : 0;
    }
    return of_last && !of_last->left.Has(piece.block);
  });
  return count;
}

}  // namespace

View MakeView(const std::vector<LiveSegment>& segments, Batches batches, const model::Scan& scan,
              const ScanFilter& filter) {
  View view;
  view.batches = std::move(batches);
  auto in_time = [&](const auto& part) { return part.max_time >= filter.since() && part.min_time < filter.until(); };
  std::map<std::string, bool> wanted;  // by job
  for (const LiveSegment& live : segments) {
    if (live.segment->max_time() < filter.since() || live.segment->min_time() >= filter.until()) continue;
    auto [at, fresh] = wanted.try_emplace(live.job(), false);
    if (fresh) at->second = filter.MayMatchJob(scan.project, live.job());
    if (!at->second) continue;
    const auto& blocks = live.segment->blocks();
    std::optional<BlockSet> chosen;
    if (std::count_if(blocks.begin(), blocks.end(), in_time) * kSomeBlocks >= std::ssize(blocks)) {
      chosen = filter.BlocksOf(*live.segment, live.templates);
    }
    for (size_t block = 0; block < blocks.size(); ++block) {
      if (!in_time(blocks[block]) || (chosen && !chosen->Has(block))) continue;
      view.pieces.push_back({live.segment, block, live.templates});
    }
  }
  return view;
}

void LeaveOut(const std::map<std::string, base::Status>& unreadable, const model::Scan& scan, const ScanFilter& filter,
              base::Budget* budget) {
  for (const auto& [name, damage] : unreadable) {
    auto job = JobOfFile(name);
    if (!job || filter.MayMatchJob(scan.project, *job)) budget->LeaveOut(damage);
  }
}

void ReadView(const View& view, const model::Scan& scan, const ScanFilter& filter, base::Budget* budget,
              const std::function<bool(const model::Record&)>& take) {
  std::vector<std::unique_ptr<RowSource>> sources;
  for (const BlockPiece& piece : view.pieces) {
    sources.push_back(MakeBlockSource(piece.segment, piece.block, piece.templates, &filter, scan, budget));
  }
  sources.push_back(MakeMemorySource(view.batches, &filter, scan, budget));
  MergeSources(std::move(sources), scan, budget, take);
}

bool AggregateView(View view, const model::Scan& scan, const ScanFilter& filter, const model::Aggregation& aggregation,
                   base::Budget* budget, const model::TakeCells& take) {
  auto of_memory = std::make_unique<ColumnAggregator>(aggregation, budget);
  if (of_memory->counts_only()) of_memory->AddCount(CountSegments(filter, &view.pieces));
  auto parts = AggregatePieces(std::move(view.pieces), scan.filter, filter.caches(), aggregation, budget);
  if (!parts) return false;
  auto memory = MakeMemorySource(view.batches, &filter, scan, budget);
  RowKey key;
  bool exact;
  while (memory->Peek(&key, &exact)) of_memory->Add(*memory->Next());
  parts->push_back(std::move(of_memory));
  ColumnAggregator::Finish(*parts, take);
  return true;
}

}  // namespace rankscope::store
