#pragma once

#include <memory>
#include <vector>

#include "base/budget.h"
#include "model/aggregation.h"
#include "model/record.h"
#include "store/aggregates/aggregate_state.h"
#include "store/aggregates/block_stretches.h"
#include "store/aggregates/block_values.h"
#include "store/aggregates/groups.h"
#include "store/blocks/block_reader.h"
#include "store/rollups/rollup_answer.h"
#include "store/scan/selected_rows.h"

namespace rankscope::store {

// Aggregates rows of blocks by their columns, without making records of them. One thread.
class ColumnAggregator {
 public:
  // All but count_distinct, of fields; the extremes of time and step; by rank, node_rank, host and the like, stream,
  // level, time or step.
  static bool Supports(const model::Aggregation& aggregation);

  // REQUIRES Supports(aggregation). What it holds counts in the budget, which outlives it.
  ColumnAggregator(const model::Aggregation& aggregation, base::Budget* budget);
  ~ColumnAggregator();

  // False: the reader failed (its status says so) or, with a good status, the block has fields that these columns do
  // not tell apart, and the aggregation must go over records.
  bool Add(BlockReader* reader, const SelectedRows& selected);
  // One of so many shares of what a rollup answers, instead of the rows.
  void Add(const RollupAnswer& answer, size_t share, size_t shares);
  void Add(const model::Record& record);
  // Records that only count() without groups asks about.
  void AddCount(uint64_t count);
  bool counts_only() const { return counts_only_; }

  // Gives `take` the rows of the table of all that the parts were given, until it returns false. The parts have the
  // same aggregation; sums are made in their order.
  static void Finish(const std::vector<std::unique_ptr<ColumnAggregator>>& parts, const model::TakeCells& take);

 private:
  using Function = model::Aggregate::Function;

  AggregateState* StateOf(uint32_t group, size_t aggregate) const;
  // Each adds what one aggregate asks of the stretches of rows, and is false as Add.
  bool AddValues(BlockReader* reader, const SelectedRows& selected, const std::vector<Stretch>& stretches,
                 size_t number);
  bool AddTimes(BlockReader* reader, const SelectedRows& selected, const std::vector<Stretch>& stretches,
                size_t number);
  bool AddSteps(BlockReader* reader, const SelectedRows& selected, const std::vector<Stretch>& stretches,
                size_t number);
  bool AddEdges(BlockReader* reader, const SelectedRows& selected, const std::vector<Stretch>& stretches,
                const BlockValues& values, size_t number);
  void AddCells(const RollupAnswer::Cells& cells, const std::vector<uint32_t>& groups, size_t number);
  void AddValue(const model::Record& record, size_t number, AggregateState* state);
  void AddEdge(const AggregateState::Moment& moment, model::Cell value, Function function, AggregateState* state);
  // Makes states for groups that have none yet, and counts them.
  void MakeStates();
  void CountMemory(size_t bytes);

  const model::Aggregation aggregation_;
  base::Budget* budget_;
  std::vector<model::RecordKey> keys_;  // of what each aggregate is of
  bool counts_only_;
  Groups groups_;
  // Of each group one an aggregate, some groups together, which never move.
  std::vector<std::unique_ptr<AggregateState[]>> states_;
  size_t counted_groups_ = 0, counted_bytes_ = 0;
};

}  // namespace rankscope::store
