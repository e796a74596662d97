#include "store/rollup_values.h"

#include <algorithm>

#include "store/rollup_numbers.h"

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
  const std::string& bytes = rollup_.NumbersOf(schema, static_cast<size_t>(at - names.begin()));
  return DecodeRollupNumbers(bytes, rollup_.schema_cells[schema], PartFor(aggregate_.function), &column.whole,
                             &column.values);
}

void RollupValues::Give(const Rollup::Cell& cell, AggregateState* state) const {
  if (aggregate_.field.empty()) return state->Count(cell.rows);
  const Column& column = columns_[rollup_.header.classes[cell.shape].schema];
  if (!column.there) return;
  if (column.values.empty()) return state->Count(cell.rows);
  state->TakeTogether(aggregate_.function, cell.rows, column.values[cell.place], column.whole);
}

}  // namespace rankscope::store
