#include "cli/stored_job.h"

#include "base/url.h"
#include "cli/http_client.h"
#include "cli/last_words.h"
#include "cli/query_command.h"
#include "model/record_batch.h"
#include "parse/json_record.h"

namespace rankscope::cli {
namespace {

constexpr size_t kBatchRecords = 1000;

// Packs rows of the query door, and passes them on.
class Reader {
 public:
  explicit Reader(const std::function<void(const model::RecordView&)>& take) : take_(take) {}

  base::Status Add(std::string line) {
    size_t size = line.size();
    line.append(parse::JsonRecordReader::kPadding, '\0');
    ++records_;
    RETURN_IF_ERROR(reader_.Read(std::string_view(line).substr(0, size), 0, /*seq=*/0, &builder_));
    return builder_.size() >= kBatchRecords ? Pass() : base::Status();
  }

  base::Status Pass() {
    ASSIGN_OR_RETURN(auto batch, model::RecordBatch::Decode(builder_.Take()));
    model::RecordBatch::Cursor cursor(*batch);
    while (cursor.Next(&record_)) {
      last_words_.Take(record_);
      take_(record_);
    }
    return {};
  }

  uint64_t records() const { return records_; }
  const LastWords& last_words() const { return last_words_; }

 private:
  const std::function<void(const model::RecordView&)>& take_;
  parse::JsonRecordReader reader_{""};
  model::RecordBatchBuilder builder_;
  model::RecordView record_;
  LastWords last_words_;
  uint64_t records_ = 0;
};

// Nobody watched how its ranks ended.
base::Result<bool> IsImported(const std::string& server, const std::string& job) {
  bool imported = false;
  RETURN_IF_ERROR(GetRows(server, "/api/v1/jobs/" + base::UrlEncode(job), [&](const auto& row) {
    imported = row.value("state", "") == "imported";
    return false;
  }));
  return imported;
}

}  // namespace

base::Status ReadStoredJob(const std::string& server, const std::string& job,
                           const std::function<void(const model::RecordView&)>& take) {
  Reader reader(take);
  base::Status status;
  RETURN_IF_ERROR(GetRows(server, "/api/v1/query?query=" + base::UrlEncode(WithJob(job, "")), [&](const auto& row) {
    status = reader.Add(row.dump());
    return status.ok();
  }));
  RETURN_IF_ERROR(status);
  if (reader.records() == 0) return base::Status::NotFound("job " + job + ": no record of it");
  RETURN_IF_ERROR(reader.Pass());
  if (reader.last_words().Events().empty()) return {};
  ASSIGN_OR_RETURN(const bool imported, IsImported(server, job));
  return imported ? reader.last_words().PassEvents(take) : base::Status();
}

}  // namespace rankscope::cli
