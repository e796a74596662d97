#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/aggregation.h"
#include "model/record.h"
#include "model/record_value.h"
#include "store/aggregate_state.h"
#include "store/block_reader.h"
#include "store/group_table.h"

namespace rankscope::store {

// Aggregates rows of blocks by their columns, without making records of them. One thread.
class ColumnAggregator {
 public:
  // count, sum, avg, min, max and quantile of fields, by rank, node_rank, host and the like, stream, level, time or
  // step.
  static bool Supports(const model::Aggregation& aggregation);

  // REQUIRES Supports(aggregation).
  explicit ColumnAggregator(const model::Aggregation& aggregation);

  // False: the reader failed (its status says so) or, with a good status, the block has fields that these columns do
  // not tell apart, and the aggregation must go over records.
  bool Add(BlockReader* reader, const std::vector<uint32_t>& rows);
  void Add(const model::Record& record);
  // Records that only count() without groups asks about.
  void AddCount(uint64_t count);
  bool counts_only() const { return counts_only_; }
  // What another one with the same aggregation was given.
  void Join(const ColumnAggregator& other);

  model::Table Finish() const;

 private:
  using GroupIds = std::vector<uint32_t>;  // of each dimension's value
  // Neighbours among the rows that share their group.
  struct Stretch {
    size_t begin, end;  // indexes into the rows
    uint32_t group;
  };
  class BlockDimensions;  // what a block's rows are grouped by

  uint32_t IdOf(size_t dimension, const model::Cell& cell);
  uint32_t BucketIdOf(size_t dimension, int64_t start);
  uint32_t GroupOf(const GroupIds& ids);
  AggregateState* StateOf(uint32_t group, size_t aggregate);
  bool AddValues(BlockReader* reader, const std::vector<uint32_t>& rows, const std::vector<Stretch>& stretches,
                 size_t number);
  std::vector<uint32_t> SortedGroups() const;

  const model::Aggregation aggregation_;
  std::vector<model::RecordKey> group_keys_;
  bool counts_only_;
  std::vector<std::map<model::Cell, uint32_t>> ids_;  // by dimension
  std::vector<std::unordered_map<int64_t, uint32_t>> bucket_ids_;
  std::vector<std::vector<model::Cell>> cells_;
  GroupTable groups_;
  std::vector<AggregateState> states_;  // of each group: one an aggregate
};

}  // namespace rankscope::store
