#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "model/record_value.h"
#include "model/time_text.h"
#include "query/pipes.h"
#include "query/row_aggregator.h"

namespace rankscope::query {
namespace {

using Function = model::Aggregate::Function;

constexpr std::array<std::pair<std::string_view, Function>, 10> kFunctions = {
    {{"count", Function::kCount},
     {"count_distinct", Function::kCountDistinct},
     {"sum", Function::kSum},
     {"avg", Function::kAvg},
     {"min", Function::kMin},
     {"max", Function::kMax},
     {"quantile", Function::kQuantile},
     {"nonfinite", Function::kNonfinite},
     {"first", Function::kFirst},
     {"last", Function::kLast}}};

std::string FunctionNames() {
  std::string names;
  for (const auto& [name, function] : kFunctions) names += (names.empty() ? "" : ", ") + std::string(name);
  return names;
}

bool NeedsNumbers(Function function) {
  return function == Function::kSum || function == Function::kAvg || function == Function::kQuantile ||
         function == Function::kNonfinite;
}

// stats AGGREGATE [as NAME], … [by (KEY, …)]
class StatsParser {
 public:
  explicit StatsParser(Scanner* scanner) : scanner_(scanner) {}

  base::Result<Pipe> Parse() {
    do {
      scanner_->SkipBlanks();
      RETURN_IF_ERROR(OneAggregate());
      scanner_->SkipBlanks();
    } while (scanner_->Take(','));
    if (scanner_->TakeKeyword("by")) RETURN_IF_ERROR(scanner_->List([this] { return OneKey(); }));
    return Pipe(std::move(stats_));
  }

 private:
  base::Status OneAggregate() {
    size_t begin = scanner_->position();
    model::Aggregate aggregate;
    ASSIGN_OR_RETURN(aggregate.function, FunctionName());
    size_t open = scanner_->position();
    if (!scanner_->Take('(')) return scanner_->Wrong("expected ( after the function");
    scanner_->SkipBlanks();
    if (aggregate.function == Function::kQuantile) RETURN_IF_ERROR(QuantileArgument(&aggregate));
    size_t field_at = scanner_->position();
    if (scanner_->peek() != ')') {
      ASSIGN_OR_RETURN(aggregate.field, scanner_->Name());
      scanner_->SkipBlanks();
    }
    if (!scanner_->Take(')')) return scanner_->WrongAt(scanner_->position(), "expected )");
    if (aggregate.field.empty() && aggregate.function != Function::kCount) {
      return scanner_->WrongAt(open + 1, "expected a field");
    }
    if (aggregate.field == "timestamp" && NeedsNumbers(aggregate.function)) {
      return scanner_->WrongAt(field_at, "expected a field of numbers (of times: count, min, max, first, last)");
    }
    aggregate.column = std::string(scanner_->Since(begin));
    RETURN_IF_ERROR(Alias(&aggregate.column));
    RETURN_IF_ERROR(Claim(aggregate.column, begin));
    stats_.aggregation.aggregates.push_back(std::move(aggregate));
    return {};
  }

  base::Result<Function> FunctionName() {
    size_t begin = scanner_->position();
    auto name = scanner_->Name();
    for (const auto& [known, function] : kFunctions) {
      if (name.ok() && known == *name) return function;
    }
    return scanner_->WrongAt(begin, "expected one of " + FunctionNames());
  }

  base::Status QuantileArgument(model::Aggregate* aggregate) {
    size_t begin = scanner_->position();
    auto number = model::ParseWideNumber(scanner_->TakeUntil(",)"));
    if (!number || !(*number >= 0 && *number <= 1)) {
      return scanner_->WrongAt(begin, "expected a number from 0 to 1, as in quantile(0.9, loss)");
    }
    aggregate->argument = static_cast<double>(*number);
    scanner_->SkipBlanks();
    if (!scanner_->Take(',')) return scanner_->Wrong("expected , and a field, as in quantile(0.9, loss)");
    scanner_->SkipBlanks();
    return {};
  }

  base::Status Alias(std::string* column) {
    Scanner before = *scanner_;
    scanner_->SkipBlanks();
    if (!scanner_->TakeKeyword("as")) {
      *scanner_ = before;
      return {};
    }
    scanner_->SkipBlanks();
    ASSIGN_OR_RETURN(*column, scanner_->Name());
    return {};
  }

  base::Status OneKey() {
    size_t begin = scanner_->position();
    model::GroupKey key;
    ASSIGN_OR_RETURN(key.name, scanner_->Name());
    key.column = key.name;
    if (scanner_->Take(':')) RETURN_IF_ERROR(Bucket(&key));
    RETURN_IF_ERROR(Claim(key.column, begin));
    stats_.aggregation.groups.push_back(std::move(key));
    return {};
  }

  base::Status Bucket(model::GroupKey* key) {
    size_t begin = scanner_->position();
    std::string_view width = scanner_->TakeUntil(",)|");
    if (key->name == "timestamp") {
      auto duration = model::ParseDuration(width);
      if (!duration || *duration == 0) return scanner_->WrongAt(begin, "expected a duration, as in _time:1m");
      key->kind = model::GroupKey::Kind::kTime;
      key->width = *duration;
      return {};
    }
    auto steps = model::ParseNumber(width);
    const auto* count = steps ? std::get_if<int64_t>(&*steps) : nullptr;
    if (key->name != "step") return scanner_->Complain(begin - 1, "only _time:1m and step:100 have buckets");
    if (!count || *count < 1) return scanner_->WrongAt(begin, "expected a number of steps, as in step:100");
    key->kind = model::GroupKey::Kind::kStep;
    key->width = *count;
    return {};
  }

  base::Status Claim(const std::string& column, size_t at) {
    auto& names = columns_;
    if (std::find(names.begin(), names.end(), column) != names.end()) {
      return scanner_->Complain(at, "two columns would be named \"" + column + "\": give one another name with as");
    }
    names.push_back(column);
    return {};
  }

  Scanner* scanner_;
  StatsPipe stats_;
  std::vector<std::string> columns_;
};

class StatsStage : public Stage {
 public:
  StatsStage(const StatsPipe& pipe, Execution* execution, Stage* next)
      : columns_(model::ColumnsOf(pipe.aggregation)), aggregator_(pipe.aggregation, execution->budget), next_(next) {}
  bool Take(const Row& row) override {
    aggregator_.Take(row);
    return true;
  }
  void Finish() override {
    aggregator_.Finish(PushCells(columns_, next_));
    next_->Finish();
  }

 private:
  const std::vector<std::string> columns_;
  RowAggregator aggregator_;
  Stage* next_;
};

}  // namespace

base::Result<Pipe> ParseStats(Scanner* scanner) { return StatsParser(scanner).Parse(); }

std::unique_ptr<Stage> Start(const StatsPipe& pipe, Execution* execution, Stage* next) {
  return std::make_unique<StatsStage>(pipe, execution, next);
}

model::TakeCells PushCells(const std::vector<std::string>& columns, Stage* next) {
  Row row;
  for (const std::string& column : columns) row.columns.emplace_back(column, model::Cell());
  return [row = std::move(row), next](const std::vector<model::Cell>& cells) mutable {
    for (size_t i = 0; i < cells.size(); ++i) row.columns[i].second = cells[i];
    return next->Take(row);
  };
}

}  // namespace rankscope::query
