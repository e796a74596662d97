#include "query/json_rows.h"

#include <algorithm>
#include <utility>

#include "model/assign_cell.h"

namespace rankscope::query {
namespace {

constexpr size_t kFewRows = 1024;  // are written before anybody could help
constexpr size_t kBatchRows = 512;
constexpr size_t kLeftToHelper = 2;  // batches; beyond these it needs help itself

}  // namespace

JsonRows::~JsonRows() {
  {
    std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  if (helper_.joinable()) helper_.join();
}

bool JsonRows::Take(const Row& row) {
  if (!row.record) {
    auto same = [](const auto& column, const std::string& name) { return column.first == name; };
    if (!std::equal(row.columns.begin(), row.columns.end(), names_.begin(), names_.end(), same)) {
      std::vector<std::string> names;
      for (const auto& [name, cell] : row.columns) names.push_back(name);
      SetColumns(names);
    }
    cells_.resize(row.columns.size());
    for (size_t i = 0; i < row.columns.size(); ++i) cells_[i] = row.columns[i].second;
    return TakeCells(cells_);
  }
  // A record is gone when this returns.
  Finish();
  json_.clear();
  record_writer_.Append(row, &json_);
  json_.push_back('\n');
  return GiveHere(json_);
}

void JsonRows::SetColumns(const std::vector<std::string>& names) {
  if (filling_) Hand();
  names_ = names;
}

bool JsonRows::TakeCells(const std::vector<model::Cell>& cells) {
  if (rows_ < kFewRows) {
    writer_.SetColumns(names_);
    size_t size = writer_.Write(cells.data(), 1, &json_);
    return GiveHere(std::string_view(json_).substr(0, size));
  }
  if (!filling_) StartBatch();
  model::Cell* place = filling_->cells.data() + filling_->rows++ * cells.size();
  for (const model::Cell& cell : cells) model::Assign(cell, place++);
  return filling_->rows < kBatchRows ? wanted_ : Hand();
}

void JsonRows::StartBatch() {
  filling_ = spare_.empty() ? std::make_unique<Batch>() : std::move(spare_.back());
  if (!spare_.empty()) spare_.pop_back();
  if (filling_->names == names_ && !filling_->cells.empty()) return;
  filling_->names = names_;
  filling_->cells.resize(kBatchRows * names_.size());
}

bool JsonRows::GiveHere(std::string_view line) {
  ++rows_;
  wanted_ = wanted_ && take_(line, 1);
  return wanted_;
}

void JsonRows::Write(TableWriter* writer, Batch* batch) {
  writer->SetColumns(batch->names);
  batch->json_bytes = writer->Write(batch->cells.data(), batch->rows, &batch->json);
}

// Puts the batch that is being filled into the queue, and writes one where the helper is behind.
bool JsonRows::Hand() {
  Batch* to_write = nullptr;
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(filling_));
    auto waits = [](const auto& batch) { return batch->state == State::kWaiting; };
    if (std::count_if(queue_.begin(), queue_.end(), waits) > static_cast<long>(kLeftToHelper)) {
      to_write = NextWaiting();
    }
  }
  changed_.notify_all();
  if (!helper_.joinable()) helper_ = std::thread([this] { Help(); });
  if (to_write) {
    Write(&writer_, to_write);
    std::lock_guard lock(mutex_);
    to_write->state = State::kWritten;
  }
  return GiveWritten();
}

// REQUIRES mutex_. Null: none waits.
JsonRows::Batch* JsonRows::NextWaiting() {
  for (const auto& batch : queue_) {
    if (batch->state != State::kWaiting) continue;
    batch->state = State::kTaken;
    return batch.get();
  }
  return nullptr;
}

// Gives those at the front of the queue that are written.
bool JsonRows::GiveWritten() {
  while (true) {
    std::unique_ptr<Batch> batch;
    {
      std::lock_guard lock(mutex_);
      if (queue_.empty() || queue_.front()->state != State::kWritten) return wanted_;
      batch = std::move(queue_.front());
      queue_.pop_front();
    }
    wanted_ = wanted_ && take_(std::string_view(batch->json).substr(0, batch->json_bytes), batch->rows);
    batch->rows = 0;
    batch->state = State::kWaiting;
    spare_.push_back(std::move(batch));
  }
}

void JsonRows::Finish() {
  if (!filling_ && !helper_.joinable()) return;
  std::unique_lock lock(mutex_);
  if (filling_) queue_.push_back(std::move(filling_));
  while (!queue_.empty()) {
    if (Batch* batch = NextWaiting()) {
      lock.unlock();
      Write(&writer_, batch);
      lock.lock();
      batch->state = State::kWritten;
    } else {
      changed_.wait(lock, [this] { return queue_.front()->state == State::kWritten; });
    }
    lock.unlock();
    GiveWritten();
    lock.lock();
  }
}

void JsonRows::Help() {
  TableWriter writer;
  std::unique_lock lock(mutex_);
  while (!over_) {
    Batch* batch = NextWaiting();
    if (!batch) {
      changed_.wait(lock);
      continue;
    }
    lock.unlock();
    Write(&writer, batch);
    lock.lock();
    batch->state = State::kWritten;
    changed_.notify_all();
  }
}

}  // namespace rankscope::query
