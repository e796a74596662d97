#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/budget.h"
#include "model/aggregation.h"
#include "query/accumulator.h"
#include "query/row.h"

namespace rankscope::query {

// The keys of a record that the aggregation looks at.
std::vector<std::string> KeysOf(const model::Aggregation& aggregation);

// Aggregates rows one after the other: the definition of what an aggregation means. Holds one state a group.
class RowAggregator {
 public:
  RowAggregator(model::Aggregation aggregation, base::Budget* budget);

  void Take(const Row& row);
  // Gives the table away.
  void Finish(const model::TakeCells& take);

 private:
  struct Group {
    std::vector<model::Cell> keys;
    std::vector<std::unique_ptr<Accumulator>> accumulators;
  };
  Group* FindGroup(const Row& row);
  std::unique_ptr<Group> NewGroup(const Row& row) const;

  const model::Aggregation aggregation_;
  base::Budget* budget_;
  std::vector<model::RecordKey> group_keys_, value_keys_;
  std::string identity_;
  std::unordered_map<std::string, std::unique_ptr<Group>> groups_;
};

}  // namespace rankscope::query
