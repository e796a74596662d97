#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/aggregates/aggregate_state.h"
#include "store/blocks/block_reader.h"
#include "store/scan/selected_rows.h"

namespace rankscope::store {

// The values of one field in some rows of a block. What it is given outlives it.
class BlockValues {
 public:
  BlockValues(BlockReader* reader, const SelectedRows& selected, const std::string& field)
      : reader_(reader), selected_(selected), field_(field) {}

  // False: the reader failed.
  bool Read();
  // Gives the state the values of rows[begin…end). REQUIRES Read().
  void Give(size_t begin, size_t end, model::Aggregate::Function function, AggregateState* state) const;
  // The value of rows[i]; none: it lacks the field. REQUIRES Read().
  model::Cell At(size_t i) const;

 private:
  // The field in the records of one schema: numbers of one sort, or values as they come; neither: they lack it.
  struct Column {
    const NumberColumn* numbers = nullptr;
    const model::FieldView* mixed = nullptr;
  };

  std::vector<uint32_t> SelectedSchemas() const;
  bool ReadColumn(uint32_t schema);
  bool PlaceRows();
  static void GiveSome(const Column& column, size_t place, size_t count, model::Aggregate::Function function,
                       AggregateState* state);

  BlockReader* reader_;
  const SelectedRows& selected_;
  const std::string& field_;
  std::vector<Column> columns_;  // by schema
  // Where the rows are all rows of one schema, that one: each row's place in its column is its own.
  const Column* whole_ = nullptr;
  // Else of each of the rows: its schema, and its place among the block's rows of that.
  std::vector<uint16_t> schemas_;
  std::vector<uint32_t> places_;
};

}  // namespace rankscope::store
