#pragma once

#include <string>
#include <utility>
#include <vector>

#include "detect/rules/rule_set.h"
#include "model/record_view.h"

namespace rankscope::detect {

// The points that a record has of the rules' metrics, by their numbers; each metric once. What frameworks print is
// taken for what it is: ms-swift's cumulative train_speed is no step time, its memory(GiB), a maximum that never falls,
// is no memory in use, and a row of an evaluation has no training metrics. A sample of a GPU has `thermal_throttling`,
// 1 or 0, from its throttle_reasons, which are texts.
class MetricReader {
 public:
  using Points = std::vector<std::pair<int, Point>>;

  explicit MetricReader(const RuleSet* rules) : rules_(rules), places_(rules->metrics().size()) {}

  // *points are overwritten. True: the record is of an evaluation, and has none.
  bool Read(const model::RecordView& record, Points* points);

 private:
  struct Column {
    std::string name;
    const RuleSet::FieldUse* use = nullptr;
    bool of_evaluation = false;
  };
  // Of the field that is the record's so-many-th.
  const Column& ColumnOf(size_t number, std::string_view name);
  bool IsEvaluationRow(const model::RecordView& record);
  Point* PointOf(int metric, const model::RecordView& record, Points* points);

  const RuleSet* rules_;
  std::vector<size_t> places_;  // by metric: of its point among those of the record, from 1; 0: it has none
  // The fields of the record before, which mostly has the same: names are compared sooner than looked up.
  std::vector<Column> layout_;
  int32_t steps_ = 1;  // that the record is of
};

}  // namespace rankscope::detect
