#include "store/block_values.h"

#include <algorithm>

namespace rankscope::store {

using Function = model::Aggregate::Function;

bool BlockValues::Read() { return ReadColumns() && PlaceRows(); }

bool BlockValues::ReadColumns() {
  const auto& schemas = reader_->header().schemas;
  columns_.resize(schemas.size());
  for (uint32_t schema = 0; schema < schemas.size(); ++schema) {
    auto at = std::find(schemas[schema].begin(), schemas[schema].end(), field_);
    if (at == schemas[schema].end()) continue;
    auto field = static_cast<size_t>(at - schemas[schema].begin());
    columns_[schema].numbers = reader_->Numbers(schema, field);
    if (!columns_[schema].numbers) columns_[schema].mixed = reader_->Field(schema, field);
    if (!reader_->ok()) return false;
  }
  return true;
}

bool BlockValues::PlaceRows() {
  const BlockHeader& header = reader_->header();
  const auto& classes = reader_->classes();
  std::vector<uint16_t> schema_of(header.classes.size());
  for (size_t number = 0; number < schema_of.size(); ++number) schema_of[number] = header.classes[number].schema;
  std::vector<uint32_t> seen(header.schemas.size());
  schemas_.resize(rows_.size());
  places_.resize(rows_.size());
  for (size_t i = 0; i < rows_.size(); ++i) {
    schemas_[i] = schema_of[classes[rows_[i]]];
    places_[i] = seen[schemas_[i]]++;
  }
  // Where all rows of the schemas that count are there, that was it.
  bool all = true;
  for (size_t schema = 0; schema < seen.size(); ++schema) {
    bool counts = columns_[schema].numbers || columns_[schema].mixed;
    all = all && (!counts || seen[schema] == 0 || seen[schema] == header.schema_rows[schema]);
  }
  if (all) return true;
  const auto& places = reader_->schema_places();
  if (places.empty()) return false;
  for (size_t i = 0; i < rows_.size(); ++i) places_[i] = places[rows_[i]];
  return true;
}

void BlockValues::Give(size_t begin, size_t end, Function function, AggregateState* state) const {
  while (begin < end) {
    // Neighbours mostly lie side by side in their column.
    size_t same = begin + 1;
    while (same < end && schemas_[same] == schemas_[begin] && places_[same] == places_[same - 1] + 1) ++same;
    const Column& column = columns_[schemas_[begin]];
    if (column.numbers && !column.numbers->integers) {
      state->Take(function, column.numbers->doubles.data() + places_[begin], same - begin);
    } else if (column.numbers || column.mixed) {
      for (size_t i = begin; i < same; ++i) GiveOne(column, places_[i], function, state);
    }
    begin = same;
  }
}

void BlockValues::GiveOne(const Column& column, uint32_t place, Function function, AggregateState* state) const {
  if (column.numbers) return state->Take(function, column.numbers->whole[place]);
  const model::FieldView& value = column.mixed->values[place];
  if (value.kind == model::FieldView::Kind::kInteger) {
    state->Take(function, value.integer);
  } else if (value.kind == model::FieldView::Kind::kDouble) {
    state->Take(function, value.number);
  } else if (function == Function::kCount) {
    state->Count(1);
  }
}

}  // namespace rankscope::store
