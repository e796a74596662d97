#pragma once

#include <memory>

#include "base/budget.h"
#include "base/status.h"
#include "query/log_source.h"
#include "query/query.h"
#include "query/row.h"
#include "query/scanner.h"

namespace rankscope::query {

// One running step of a query. Who reads the source ends once the budget is spent; a stage only counts in it what it
// holds, so that what there is by then still comes out. Rows are pushed through: each stage hands what comes of its
// rows to the next one.
class Stage {
 public:
  virtual ~Stage() = default;
  // The row is gone afterwards. False: this stage wants no more.
  virtual bool Take(const Row& row) = 0;
  // No more rows will come: hands on what was held back, then finishes the next stage.
  virtual void Finish() = 0;
};

// What the running stages of one query share.
struct Execution {
  LogSource* source;
  const Query* query;
  base::Budget* budget;
  base::Status status;  // the first failure of a stage's own reading
};

// One file a pipe (NAME_pipe.cc): how it is written, after its name, and how it runs. The list that names them all is
// in parser.cc.
base::Result<Pipe> ParseStats(Scanner* scanner);
base::Result<Pipe> ParseSort(Scanner* scanner);
base::Result<Pipe> ParseLimit(Scanner* scanner);
base::Result<Pipe> ParseFields(Scanner* scanner);
base::Result<Pipe> ParsePatterns(Scanner* scanner);
base::Result<Pipe> ParseContext(Scanner* scanner);
base::Result<Pipe> ParseFirst(Scanner* scanner);
base::Result<Pipe> ParseJoin(Scanner* scanner);

std::unique_ptr<Stage> Start(const StatsPipe& pipe, Execution* execution, Stage* next);
std::unique_ptr<Stage> Start(const SortPipe& pipe, Execution* execution, Stage* next);
std::unique_ptr<Stage> Start(const LimitPipe& pipe, Execution* execution, Stage* next);
std::unique_ptr<Stage> Start(const FieldsPipe& pipe, Execution* execution, Stage* next);
std::unique_ptr<Stage> Start(const PatternsPipe& pipe, Execution* execution, Stage* next);
std::unique_ptr<Stage> Start(const ContextPipe& pipe, Execution* execution, Stage* next);
std::unique_ptr<Stage> Start(const FirstPipe& pipe, Execution* execution, Stage* next);
std::unique_ptr<Stage> Start(const JoinPipe& pipe, Execution* execution, Stage* next);

// A row that outlives the call that brought it.
class HeldRow {
 public:
  explicit HeldRow(const Row& row) : columns_(row.columns) {
    if (row.record) record_ = std::make_unique<model::Record>(*row.record);
  }
  Row row() const { return {record_.get(), columns_}; }

 private:
  std::unique_ptr<model::Record> record_;
  std::vector<std::pair<std::string, model::Cell>> columns_;
};

// Pushes the table's rows.
model::TakeCells PushCells(const std::vector<std::string>& columns, Stage* next);
void PushPatterns(const std::vector<model::Pattern>& patterns, Stage* next);

}  // namespace rankscope::query
