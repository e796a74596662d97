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

namespace rankscope::query {

// Gives `take` rows as JSON objects, without newlines, in the order in which they come and on the thread on which they
// come. A table of thousands of rows costs more to write than to make: another thread then writes some of them.
class JsonRows {
 public:
  // `take` outlives it; once it has returned false it is not called again.
  explicit JsonRows(const std::function<bool(std::string_view)>& take) : take_(take) {}
  ~JsonRows();

  // False: no more are wanted.
  bool Take(const Row& row);
  // Gives what is not given yet.
  void Finish();

 private:
  // Some rows of the same columns that follow each other: being filled or waiting, then being written by one thread,
  // then written.
  struct Batch {
    std::vector<std::string> names{};
    std::vector<model::Cell> cells{};  // row after row
    size_t rows = 0;
    enum class State { kWaiting, kTaken, kWritten } state = State::kWaiting;
    std::string json{};
    std::vector<size_t> ends{};  // in json, of each row
  };
  using State = Batch::State;

  static bool HasColumnsOf(const Batch& batch, const Row& row);
  static void Write(RowWriter* writer, Batch* batch);
  void StartBatch(const Row& like);
  bool WriteHere(const Row& row);
  bool Hand();
  Batch* NextWaiting();
  bool GiveWritten();
  bool Give(const Batch& batch);
  void Help();

  const std::function<bool(std::string_view)>& take_;
  bool wanted_ = true;
  size_t rows_ = 0;
  RowWriter writer_;
  std::string json_;
  std::unique_ptr<Batch> filling_;
  std::vector<std::unique_ptr<Batch>> spare_;
  std::thread helper_;

  std::mutex mutex_;  // guards what follows, and the states of the batches in it
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Batch>> queue_;  // in the order of their rows
  bool over_ = false;
};

}  // namespace rankscope::query
