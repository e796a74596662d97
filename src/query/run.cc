#include "query/run.h"

#include <memory>
#include <vector>

#include "base/clock.h"
#include "query/pipes.h"
#include "query/plan.h"

namespace rankscope::query {
namespace {

class Sink : public Stage {
 public:
  Sink(base::Budget* budget, const std::function<bool(const Row&)>& take) : budget_(budget), take_(take) {}
  bool Take(const Row& row) override { return budget_->TakeRow() && take_(row); }
  void Finish() override {}

 private:
  base::Budget* budget_;
  const std::function<bool(const Row&)>& take_;
};

base::Status Feed(const Plan& plan, Execution* execution, Stage* first) {
  LogSource* source = execution->source;
  base::Budget* budget = execution->budget;
  if (plan.source == Plan::Source::kTable) {
    return source->Aggregate(plan.scan, plan.aggregation, budget, PushCells(model::ColumnsOf(plan.aggregation), first));
  } else if (plan.source == Plan::Source::kPatterns) {
    ASSIGN_OR_RETURN(auto patterns, source->Patterns(plan.scan, budget));
    PushPatterns(patterns, first);
  } else if (plan.source == Plan::Source::kRecords) {
    return source->Read(plan.scan, budget, [&](const model::Record& record) { return first->Take(Row::Of(record)); });
  }
  return {};
}

base::Status RunPlan(const Plan& plan, LogSource* source, const Query& query, base::Budget* budget,
                     const std::function<bool(const Row&)>& take) {
  Execution execution{source, &query, budget, {}};
  std::vector<std::unique_ptr<Stage>> stages;
  stages.push_back(std::make_unique<Sink>(budget, take));
  for (auto pipe = plan.pipes.rbegin(); pipe != plan.pipes.rend(); ++pipe) {
    Stage* next = stages.back().get();
    stages.push_back(std::visit([&](const auto& p) { return Start(p, &execution, next); }, *pipe));
  }
  RETURN_IF_ERROR(Feed(plan, &execution, stages.back().get()));
  stages.back()->Finish();
  return execution.status;
}

}  // namespace

base::Status RunQuery(LogSource* source, const Query& query, base::Budget* budget,
                      const std::function<bool(const Row&)>& take) {
  return RunPlan(MakePlan(query), source, query, budget, take);
}

base::Status RunQueryAsJson(LogSource* source, const Query& query, base::Budget* budget, const TakeLines& take) {
  Plan plan = MakePlan(query);
  JsonRows rows(take);
  base::Status status;
  if (plan.source == Plan::Source::kTable && plan.pipes.empty()) {
    // A table of thousands of rows that nothing else looks at.
    rows.SetColumns(model::ColumnsOf(plan.aggregation));
    status = source->Aggregate(plan.scan, plan.aggregation, budget, [&](const std::vector<model::Cell>& cells) {
      return budget->TakeRow() && rows.TakeCells(cells);
    });
  } else {
    status = RunPlan(plan, source, query, budget, [&](const Row& row) { return rows.Take(row); });
  }
  rows.Finish();
  return status;
}

std::string ExplainLimit(const base::Budget& budget) {
  const auto& limits = budget.limits();
  switch (budget.met()) {
    case base::Budget::Limit::kMemory:
      return "the query met its limit of " + std::to_string(limits.memory_bytes >> 20) +
             " MiB of memory: narrow it, or group by less";
    case base::Budget::Limit::kTime:
      return "the query met its limit of " + std::to_string(limits.time_ns / base::kNsPerMs) +
             " ms: narrow it, by time or job for one";
    case base::Budget::Limit::kRows:
      return "the answer met its limit of " + std::to_string(limits.rows) + " rows: narrow it, or add | limit";
    case base::Budget::Limit::kCancelled:
      return "the query was cancelled";
    case base::Budget::Limit::kNone:
      return "";
  }
  return "";
}

}  // namespace rankscope::query
