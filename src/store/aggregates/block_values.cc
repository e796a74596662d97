#include "store/aggregates/block_values.h"

#include <algorithm>

namespace rankscope::store {

using Function = model::Aggregate::Function;

bool BlockValues::Read() {
  std::vector<uint32_t> schemas = SelectedSchemas();
  columns_.resize(reader_->header().schemas.size());
  for (uint32_t schema : schemas) {
    if (!ReadColumn(schema)) return false;
  }
  if (schemas.size() == 1 && selected_.rows().size() == reader_->header().schema_rows[schemas[0]]) {
    whole_ = &columns_[schemas[0]];
    return true;
  }
  return PlaceRows();
}

std::vector<uint32_t> BlockValues::SelectedSchemas() const {
  const BlockHeader& header = reader_->header();
  std::vector<char> wanted(header.schemas.size());
  for (uint16_t number : selected_.classes) wanted[header.classes[number].schema] = 1;
  std::vector<uint32_t> schemas;
  for (uint32_t schema = 0; schema < wanted.size(); ++schema) {
    if (wanted[schema]) schemas.push_back(schema);
  }
  return schemas;
}

bool BlockValues::ReadColumn(uint32_t schema) {
  const auto& names = reader_->header().schemas[schema];
  auto at = std::find(names.begin(), names.end(), field_);
  if (at == names.end()) return true;
  auto field = static_cast<size_t>(at - names.begin());
  columns_[schema].numbers = reader_->Numbers(schema, field);
  if (!columns_[schema].numbers) columns_[schema].mixed = reader_->Field(schema, field);
  return reader_->ok();
}

bool BlockValues::PlaceRows() {
  const BlockHeader& header = reader_->header();
  const auto& rows = selected_.rows();
  const auto& classes = reader_->classes();
  std::vector<uint16_t> schema_of(header.classes.size());
  for (size_t number = 0; number < schema_of.size(); ++number) schema_of[number] = header.classes[number].schema;
  std::vector<uint32_t> seen(header.schemas.size());
  schemas_.resize(rows.size());
  places_.resize(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    schemas_[i] = schema_of[classes[rows[i]]];
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
  for (size_t i = 0; i < rows.size(); ++i) places_[i] = places[rows[i]];
  return true;
}

void BlockValues::Give(size_t begin, size_t end, Function function, AggregateState* state) const {
  if (whole_) return GiveSome(*whole_, begin, end - begin, function, state);
  while (begin < end) {
    // Neighbours mostly lie side by side in their column.
    size_t same = begin + 1;
    while (same < end && schemas_[same] == schemas_[begin] && places_[same] == places_[same - 1] + 1) ++same;
    GiveSome(columns_[schemas_[begin]], places_[begin], same - begin, function, state);
    begin = same;
  }
}

model::Cell BlockValues::At(size_t i) const {
  const Column& column = whole_ ? *whole_ : columns_[schemas_[i]];
  size_t place = whole_ ? i : places_[i];
  if (column.numbers && column.numbers->integers) return column.numbers->whole[place];
  if (column.numbers) return column.numbers->doubles[place];
  if (!column.mixed) return {};
  const model::FieldView& value = column.mixed[place];
  if (value.kind == model::FieldView::Kind::kInteger) return value.integer;
  if (value.kind == model::FieldView::Kind::kDouble) return value.number;
  return std::string(value.text);
}

// Those that lie side by side in the column.
void BlockValues::GiveSome(const Column& column, size_t place, size_t count, Function function, AggregateState* state) {
  if (column.numbers && column.numbers->integers) {
    state->Take(function, column.numbers->whole.data() + place, count);
  } else if (column.numbers) {
    state->Take(function, column.numbers->doubles.data() + place, count);
  } else if (column.mixed) {
    for (size_t i = place; i < place + count; ++i) {
      const model::FieldView& value = column.mixed[i];
      if (value.kind == model::FieldView::Kind::kInteger) {
        state->Take(function, value.integer);
      } else if (value.kind == model::FieldView::Kind::kDouble) {
        state->Take(function, value.number);
      } else if (function == Function::kCount) {
        state->Count(1);
      }
    }
  }
}

}  // namespace rankscope::store
