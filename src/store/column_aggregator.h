#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/aggregation.h"
#include "model/record.h"
#include "model/record_value.h"
#include "store/block_reader.h"

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

  model::Table Finish();

 private:
  struct State {
    uint64_t count = 0;
    int64_t whole_sum = 0;
    bool whole = true;
    long double sum = 0;
    // Wide enough for each int64_t as well as each double; whole: an integer it was.
    long double low = 0, high = 0;
    bool low_whole = false, high_whole = false;
    bool any_number = false, any_nan = false;
    std::vector<double> values;
  };
  struct Group {
    std::vector<model::Cell> keys;
    std::vector<State> states;
  };

  void Take(State* state, const model::Aggregate& aggregate, int64_t value) const;
  void Take(State* state, const model::Aggregate& aggregate, double value) const;
  static void Widen(State* state, long double number, bool whole);
  static model::Cell Outcome(const State& state, const model::Aggregate& aggregate);
  uint32_t IdOf(size_t dimension, const model::Cell& cell);
  Group* GroupOf(const std::vector<uint32_t>& ids);
  bool AddValues(BlockReader* reader, const std::vector<uint32_t>& rows, const std::vector<Group*>& groups,
                 size_t number);

  const model::Aggregation aggregation_;
  std::vector<model::RecordKey> group_keys_;
  bool counts_only_;
  std::vector<std::map<model::Cell, uint32_t>> ids_;  // by dimension
  std::vector<std::vector<model::Cell>> cells_;
  std::map<std::vector<uint32_t>, std::unique_ptr<Group>> groups_;
};

}  // namespace rankscope::store
