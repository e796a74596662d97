#include "cli/record_files.h"

#include <algorithm>
#include <deque>
#include <fstream>
#include <memory>
#include <queue>

#include "cli/import_command.h"
#include "cli/last_words.h"
#include "cli/named_input.h"
#include "model/record_batch.h"
#include "parse/json_record.h"
#include "parse/log_folder.h"

namespace rankscope::cli {
namespace {

constexpr size_t kBatchBytes = 4 << 20;

// The records of one file, in the order of their times.
class RecordFile {
 public:
  base::Status ReadJson(const parse::LogFile& file, const std::string& job) {
    std::ifstream lines(file.path);
    if (!lines) return base::Status::NotFound(file.path + ": cannot be read");
    parse::JsonRecordReader reader(job);
    size_t number = 0;
    for (std::string line; std::getline(lines, line);) {
      size_t size = line.size();
      line.append(parse::JsonRecordReader::kPadding, '\0');
      base::Status status = reader.Read(std::string_view(line).substr(0, size), 0, ++number, &builder_);
      if (!status.ok()) return status.WithContext(file.path + ":" + std::to_string(number));
      RETURN_IF_ERROR(CutBatch(kBatchBytes));
    }
    return Finish();
  }

  base::Status ReadLog(const parse::LogFile& file, const std::string& job) {
    base::Status status;
    RETURN_IF_ERROR(parse::ReadLogFile(file, [&](model::Record record) {
      record.origin.project = "default";
      record.origin.job = job;
      builder_.Add(record);
      status = CutBatch(kBatchBytes);
      return status.ok();
    }));
    RETURN_IF_ERROR(status);
    return Finish();
  }

  // The next one, or null at the end.
  const model::RecordView* Next() {
    while (!cursor_ || !cursor_->Next(&record_)) {
      if (cursor_) batches_.pop_front();
      cursor_.reset();
      if (batches_.empty()) return nullptr;
      cursor_ = std::make_unique<model::RecordBatch::Cursor>(*batches_.front());
    }
    return &record_;
  }
  const model::RecordView& current() const { return record_; }

 private:
  base::Status CutBatch(size_t at_least) {
    if (builder_.size() == 0 || builder_.bytes() < at_least) return {};
    ASSIGN_OR_RETURN(auto batch, model::RecordBatch::Decode(builder_.Take()));
    batches_.push_back(std::move(batch));
    return {};
  }

  base::Status Finish() {
    RETURN_IF_ERROR(CutBatch(0));
    return IsSorted() ? base::Status() : Sort();
  }

  bool IsSorted() const {
    base::TimeNs last = INT64_MIN;
    model::RecordView record;
    for (const auto& batch : batches_) {
      model::RecordBatch::Cursor cursor(*batch);
      while (cursor.Next(&record)) {
        if (record.time < last) return false;
        last = record.time;
      }
    }
    return true;
  }

  base::Status Sort() {
    std::vector<model::Record> records;
    for (const auto& batch : batches_) {
      for (model::Record& record : batch->ToRecords()) records.push_back(std::move(record));
    }
    std::stable_sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
    batches_.clear();
    for (const model::Record& record : records) {
      builder_.Add(record);
      RETURN_IF_ERROR(CutBatch(kBatchBytes));
    }
    return CutBatch(0);
  }

  model::RecordBatchBuilder builder_;
  std::deque<std::shared_ptr<const model::RecordBatch>> batches_;
  std::unique_ptr<model::RecordBatch::Cursor> cursor_;
  model::RecordView record_;
};

base::Status ReadPath(const std::string& path, std::vector<std::unique_ptr<RecordFile>>* files) {
  std::vector<std::string> skipped;
  ASSIGN_OR_RETURN(auto found, parse::FindLogFiles(path, &skipped));
  if (found.empty()) return base::Status::Invalid(path + ": no log files in it (*.log, *.txt, *.out, *.err, *.jsonl)");
  for (const parse::LogFile& file : found) {
    files->push_back(std::make_unique<RecordFile>());
    RETURN_IF_ERROR(file.json && !parse::HasRowsOfAFramework(file) ? files->back()->ReadJson(file, JobNameOf(path))
                                                                   : files->back()->ReadLog(file, JobNameOf(path)));
  }
  return {};
}

}  // namespace

base::Status ReadRecordFiles(const std::vector<std::string>& paths,
                             const std::function<void(const model::RecordView&)>& take) {
  std::vector<std::unique_ptr<RecordFile>> files;
  for (const std::string& path : paths) RETURN_IF_ERROR(Unreadable(ReadPath(path, &files)));
  using Head = std::pair<base::TimeNs, size_t>;  // of the files' next records
  std::priority_queue<Head, std::vector<Head>, std::greater<>> heads;
  auto advance = [&](size_t file) {
    if (const model::RecordView* record = files[file]->Next()) heads.emplace(record->time, file);
  };
  for (size_t i = 0; i < files.size(); ++i) advance(i);
  LastWords last_words;
  while (!heads.empty()) {
    size_t file = heads.top().second;
    heads.pop();
    const model::RecordView& record = files[file]->current();
    last_words.Take(record);
    take(record);
    advance(file);
  }
  return last_words.PassEvents(take);
}

}  // namespace rankscope::cli
