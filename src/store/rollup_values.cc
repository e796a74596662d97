#include "store/rollup_values.h"

#include <algorithm>

namespace rankscope::store {
namespace {

using Function = model::Aggregate::Function;

RollupPart PartFor(Function function) {
  if (function == Function::kMin) return RollupPart::kLows;
  return function == Function::kMax ? RollupPart::kHighs : RollupPart::kSums;
}

}  // namespace

bool RollupValues::Read(const std::vector<uint16_t>& shapes) {
  if (aggregate_.field.empty()) return true;
  columns_.resize(rollup_.header.schemas.size());
  return std::all_of(shapes.begin(), shapes.end(), [this](uint16_t shape) {
    uint16_t schema = rollup_.header.classes[shape].schema;
    return columns_[schema].there || ReadColumn(schema);
  });
}

bool RollupValues::ReadColumn(uint16_t schema) {
  const auto& names = rollup_.header.schemas[schema];
  auto at = std::find(names.begin(), names.end(), aggregate_.field);
  if (at == names.end()) return true;
  Column& column = columns_[schema];
  column.there = true;
  if (aggregate_.function == Function::kCount) return true;
  auto field = static_cast<size_t>(at - names.begin());
  RollupPart part = PartFor(aggregate_.function);
  uint32_t number = rollup_.header.schema_columns[schema] + static_cast<uint32_t>(field);
  ColumnCache::Key key{rollup_.segment, rollup_.block, number * kRollupParts + static_cast<uint32_t>(part),
                       ColumnCache::Form::kRollupPart};
  if (cache_) column.numbers = cache_->Find<RollupColumn>(key);
  if (column.numbers) return true;
  auto decoded = std::make_shared<RollupColumn>();
  if (!DecodeRollupNumbers(rollup_.NumbersOf(schema, field), rollup_.schema_cells[schema], part, decoded.get())) {
    return false;
  }
  if (cache_) cache_->Put(key, decoded, decoded->Memory());
  column.numbers = std::move(decoded);
  return true;
}

void RollupValues::Give(const Rollup::Cell& cell, AggregateState* state) const {
  if (aggregate_.field.empty()) return state->Count(cell.rows);
  const Column& column = columns_[rollup_.header.classes[cell.shape].schema];
  if (!column.there) return;
  if (!column.numbers) return state->Count(cell.rows);
  state->TakeTogether(aggregate_.function, cell.rows, column.numbers->values[cell.place], column.numbers->whole);
}

}  // namespace rankscope::store
