#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/aggregate_state.h"
#include "store/block_reader.h"

namespace rankscope::store {

// The values of one field in some rows of a block. What it is given outlives it.
class BlockValues {
 public:
  // `rows` ascending.
  BlockValues(BlockReader* reader, const std::vector<uint32_t>& rows, const std::string& field)
      : reader_(reader), rows_(rows), field_(field) {}

  // False: the reader failed.
  bool Read();
  // Gives the state the values of rows[begin…end). REQUIRES Read().
  void Give(size_t begin, size_t end, model::Aggregate::Function function, AggregateState* state) const;

 private:
  // The field in the records of one schema: numbers of one sort, or values as they come; neither: they lack it.
  struct Column {
    const NumberColumn* numbers = nullptr;
    const FieldColumn* mixed = nullptr;
  };

  bool ReadColumns();
  bool PlaceRows();
  void GiveOne(const Column& column, uint32_t place, model::Aggregate::Function function, AggregateState* state) const;

  BlockReader* reader_;
  const std::vector<uint32_t>& rows_;
  const std::string& field_;
  std::vector<Column> columns_;  // by schema
  // Of each of the rows: its schema, and its place among the block's rows of that.
  std::vector<uint16_t> schemas_;
  std::vector<uint32_t> places_;
};

}  // namespace rankscope::store
