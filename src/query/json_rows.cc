#include "query/json_rows.h"

#include <algorithm>
#include <utility>

namespace rankscope::query {
namespace {

constexpr size_t kFewRows = 1024;  // are written before anybody could help
constexpr size_t kBatchRows = 256;
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
  // A record is gone when this returns.
  if (row.record || rows_ < kFewRows) {
    ++rows_;
    return WriteHere(row);
  }
  if (filling_ && !HasColumnsOf(*filling_, row)) Hand();
  if (!filling_) StartBatch(row);
  model::Cell* cell = filling_->cells.data() + filling_->rows++ * row.columns.size();
  for (const auto& [name, value] : row.columns) *cell++ = value;
  return filling_->rows < kBatchRows ? wanted_ : Hand();
}

bool JsonRows::HasColumnsOf(const Batch& batch, const Row& row) {
  return std::equal(batch.names.begin(), batch.names.end(), row.columns.begin(), row.columns.end(),
                    [](const std::string& name, const auto& column) { return name == column.first; });
}

void JsonRows::StartBatch(const Row& like) {
  filling_ = spare_.empty() ? std::make_unique<Batch>() : std::move(spare_.back());
  if (!spare_.empty()) spare_.pop_back();
  if (HasColumnsOf(*filling_, like)) return;
  filling_->names.clear();
  for (const auto& [name, value] : like.columns) filling_->names.push_back(name);
  filling_->cells.resize(kBatchRows * like.columns.size());
}

bool JsonRows::WriteHere(const Row& row) {
  if (filling_ || helper_.joinable()) Finish();
  json_.clear();
  writer_.Append(row, &json_);
  wanted_ = wanted_ && take_(json_);
  return wanted_;
}

void JsonRows::Write(RowWriter* writer, Batch* batch) {
  batch->json.clear();
  batch->ends.clear();
  for (size_t i = 0; i < batch->rows; ++i) {
    writer->Append(batch->names, batch->cells.data() + i * batch->names.size(), &batch->json);
    batch->ends.push_back(batch->json.size());
  }
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
    wanted_ = wanted_ && Give(*batch);
    batch->rows = 0;
    batch->state = State::kWaiting;
    spare_.push_back(std::move(batch));
  }
}

bool JsonRows::Give(const Batch& batch) {
  size_t begin = 0;
  for (size_t end : batch.ends) {
    if (!take_(std::string_view(batch.json).substr(begin, end - begin))) return false;
    begin = end;
  }
  return true;
}

void JsonRows::Finish() {
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
  RowWriter writer;
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
