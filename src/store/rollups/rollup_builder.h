#pragma once

#include <string>
#include <vector>

#include "model/record_view.h"
#include "store/rollups/block_rollup.h"
#include "store/rollups/rollup_numbers.h"

namespace rankscope::store {

// Makes a block's rollup: first of its rows, run by run, then of its fields. One thread.
class RollupBuilder {
 public:
  RollupBuilder(std::vector<RowShape> shapes, size_t rows);

  void StartRun(uint16_t origin);
  // Rows of a run in the order of time, none before 1970.
  void AddRow(base::TimeNs time, uint16_t shape);
  // Whether there are so many more rows than cells that it is worth its bytes. After the last row; if not, that was it.
  bool worthwhile() const;

  // Then each schema in order and, in order, its fields: the values of all of its rows.
  void StartSchema(uint16_t schema);
  void AddField(const std::vector<model::FieldView>& values);

  // `tables`: origins, levels and schemas.
  std::string Finish(const BlockHeader& tables) const;

 private:
  bool AddIntegers(const std::vector<model::FieldView>& values, RollupNumbers* numbers);
  bool AddDoubles(const std::vector<model::FieldView>& values, RollupNumbers* numbers);
  void PutCells(std::string* out) const;

  static constexpr uint32_t kNone = ~uint32_t{0};

  const std::vector<RowShape> shapes_;
  const size_t rows_;
  std::vector<BlockRollup::Cell> cells_;
  std::vector<uint32_t> shape_rows_;
  std::vector<uint32_t> cell_of_;  // by row
  // Of the run that is being added: by shape, its last cell.
  std::vector<uint32_t> open_;
  uint16_t origin_ = 0;
  // Of the schema that is being added: where each of its rows goes, so that those of a cell lie side by side, and where
  // each cell begins.
  std::vector<uint32_t> places_, begins_;
  std::vector<std::string> numbers_;
};

}  // namespace rankscope::store
