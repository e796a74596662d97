#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "model/aggregation.h"
#include "store/rollups/rollup.h"
#include "store/scan/class_judge.h"

namespace rankscope::store {

// What a rollup knows of an aggregation: the cells that a filter matches, and what each aggregate asks of them. Any
// thread.
class RollupAnswer {
 public:
  // What one aggregate asks of the cells of a run.
  struct Cells {
    const uint32_t* rows;
    const long double* numbers;  // null: its rows are only counted
    bool whole;                  // as a RollupColumn's
  };

  // Null: it does not know, and rows must be looked at. The judgement is of the rollup's header. REQUIRES
  // RollupsAnswer(aggregation), and that the judgement has no maybe. Segment and aggregation outlive it; `cache` may be
  // null.
  static std::unique_ptr<const RollupAnswer> Of(const Segment& segment, std::shared_ptr<const Rollup> rollup,
                                                const Judgement& judgement, const model::Aggregation& aggregation,
                                                ColumnCache* cache);

  const Segment& segment() const { return segment_; }
  const Rollup& rollup() const { return *rollup_; }
  // One of so many shares of the runs that match, of about as many cells each.
  std::span<const Rollup::Run> Runs(size_t share, size_t shares) const;
  // Nothing: the run's records do not have the aggregate's field.
  std::optional<Cells> CellsOf(const Rollup::Run& run, size_t aggregate) const;

 private:
  // Of one aggregate and schema.
  struct Column {
    bool there = false;
    std::shared_ptr<const RollupColumn> numbers{};  // null where they are only counted
  };

  RollupAnswer(const Segment& segment, std::shared_ptr<const Rollup> rollup)
      : segment_(segment), rollup_(std::move(rollup)) {}
  void Choose(const Judgement& judgement);
  bool Ask(const model::Aggregate& aggregate, const std::vector<uint16_t>& shapes, ColumnCache* cache);
  bool AskSchema(const model::Aggregate& aggregate, uint16_t schema, ColumnCache* cache, Column* column) const;

  const Segment& segment_;
  const std::shared_ptr<const Rollup> rollup_;
  std::vector<Rollup::Run> runs_;
  std::vector<size_t> cells_before_;          // by run
  std::vector<std::vector<Column>> columns_;  // by aggregate, then schema
};

}  // namespace rankscope::store
