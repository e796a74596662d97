#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "query/row.h"
#include "query/table_writer.h"

namespace rankscope::query {

// Takes JSON objects, each with a newline behind it, and how many they are. False: no more are wanted.
using TakeLines = std::function<bool(std::string_view lines, size_t rows)>;

// Gives `take` rows as JSON objects, in the order in which they come and on the thread on which they come. A table of
// thousands of rows costs more to write than to make: another thread then writes some of them, and they are given many
// at a time.
class JsonRows {
 public:
  // `take` outlives it; once it has returned false it is not called again.
  explicit JsonRows(const TakeLines& take) : take_(take) {}
  ~JsonRows();

  // False: no more are wanted.
  bool Take(const Row& row);
  // The columns of the rows of which only the cells come.
  void SetColumns(const std::vector<std::string>& names);
  bool TakeCells(const std::vector<model::Cell>& cells);
  // Gives what is not given yet.
  void Finish();

 private:
  // Some rows of the same columns that follow each other: being filled or waiting, then being written by one thread,
  // then written.
  struct Batch {
    std::vector<std::string> names{};
    std::vector<model::Cell> cells{};  // row after row, with room for all that it may have
    size_t rows = 0;
    enum class State { kWaiting, kTaken, kWritten } state = State::kWaiting;
    std::string json{};  // and room behind
    size_t json_bytes = 0;
  };
  using State = Batch::State;

  static void Write(TableWriter* writer, Batch* batch);
  void StartBatch();
  bool GiveHere(std::string_view line);
  bool Hand();
  Batch* NextWaiting();
  bool GiveWritten();
  void Help();

  const TakeLines& take_;
  bool wanted_ = true;
  size_t rows_ = 0;
  RowWriter record_writer_;
  TableWriter writer_;
  std::string json_;
  std::vector<std::string> names_;  // of the columns
  std::vector<model::Cell> cells_;  // of a row that came as such
  std::unique_ptr<Batch> filling_;
  std::vector<std::unique_ptr<Batch>> spare_;
  std::thread helper_;

  std::mutex mutex_;  // guards what follows, and the states of the batches in it
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Batch>> queue_;  // in the order of their rows
  bool over_ = false;
};

}  // namespace rankscope::query
