#include "store/rollups/rollup_answer.h"

#include <algorithm>

#include "store/rollups/rollup_groups.h"

namespace rankscope::store {
namespace {

using Function = model::Aggregate::Function;

RollupPart PartFor(Function function) {
  if (function == Function::kMin) return RollupPart::kLows;
  return function == Function::kMax ? RollupPart::kHighs : RollupPart::kSums;
}

}  // namespace

std::unique_ptr<const RollupAnswer> RollupAnswer::Of(const Segment& segment, std::shared_ptr<const Rollup> rollup,
                                                     const Judgement& judgement, const model::Aggregation& aggregation,
                                                     ColumnCache* cache) {
  if (FieldsStandIn(rollup->header(), aggregation.groups)) return nullptr;
  std::unique_ptr<RollupAnswer> answer(new RollupAnswer(segment, std::move(rollup)));
  answer->Choose(judgement);
  bool known = std::all_of(aggregation.aggregates.begin(), aggregation.aggregates.end(),
                           [&](const auto& aggregate) { return answer->Ask(aggregate, judgement.alive, cache); });
  return known ? std::move(answer) : nullptr;
}

// The runs whose origin and shape match.
void RollupAnswer::Choose(const Judgement& judgement) {
  size_t cells = 0;
  for (const Rollup::Run& run : rollup_->runs()) {
    bool chosen =
        !judgement.alive.empty() && judgement.classes[run.shape] != Verdict::kNo && judgement.origins[run.origin] != 0;
    if (!chosen) continue;
    runs_.push_back(run);
    cells_before_.push_back(cells);
    cells += run.end - run.begin;
  }
  cells_before_.push_back(cells);
}

bool RollupAnswer::Ask(const model::Aggregate& aggregate, const std::vector<uint16_t>& shapes, ColumnCache* cache) {
  bool all_rows = aggregate.field.empty();
  auto& columns = columns_.emplace_back(rollup_->header().schemas.size(), Column{all_rows});
  if (all_rows) return true;
  return std::all_of(shapes.begin(), shapes.end(), [&](uint16_t shape) {
    uint16_t schema = rollup_->header().classes[shape].schema;
    return columns[schema].there || AskSchema(aggregate, schema, cache, &columns[schema]);
  });
}

bool RollupAnswer::AskSchema(const model::Aggregate& aggregate, uint16_t schema, ColumnCache* cache,
                             Column* column) const {
  const auto& names = rollup_->header().schemas[schema];
  auto at = std::find(names.begin(), names.end(), aggregate.field);
  if (at == names.end()) return true;
  column->there = true;
  if (aggregate.function == Function::kCount) return true;
  auto field = static_cast<size_t>(at - names.begin());
  column->numbers = rollup_->Column(segment_, schema, field, PartFor(aggregate.function), cache);
  return column->numbers != nullptr;
}

std::span<const Rollup::Run> RollupAnswer::Runs(size_t share, size_t shares) const {
  auto border = [&](size_t number) {
    size_t cells = cells_before_.back() * number / shares;
    auto at = std::lower_bound(cells_before_.begin(), cells_before_.end() - 1, cells);
    return number == shares ? runs_.size() : static_cast<size_t>(at - cells_before_.begin());
  };
  size_t begin = border(share), end = border(share + 1);
  return {runs_.data() + begin, end - begin};
}

std::optional<RollupAnswer::Cells> RollupAnswer::CellsOf(const Rollup::Run& run, size_t aggregate) const {
  const uint32_t* rows = rollup_->rows().data() + run.begin;
  const Column& column = columns_[aggregate][rollup_->header().classes[run.shape].schema];
  if (column.numbers) return Cells{rows, column.numbers->values.data() + run.place, column.numbers->whole};
  if (!column.there) return std::nullopt;
  return Cells{rows, nullptr, false};
}

}  // namespace rankscope::store
