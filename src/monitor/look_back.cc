#include "monitor/look_back.h"

namespace rankscope::monitor {
namespace {

constexpr size_t kChunkBytes = 1 << 20;

// Packs records as they are read.
class Packer {
 public:
  base::Status Read(store::Store* store, const model::Scan& scan) {
    base::Budget budget;
    base::Status packed;
    RETURN_IF_ERROR(store->Read(scan, &budget, [&](const model::Record& record) {
      builder_.Add(record);
      if (builder_.bytes() >= kChunkBytes) packed = Pack();
      return packed.ok();
    }));
    RETURN_IF_ERROR(packed);
    return Pack();
  }

  std::vector<std::shared_ptr<const model::RecordBatch>> Take() { return std::move(batches_); }

 private:
  base::Status Pack() {
    if (builder_.size() == 0) return {};
    ASSIGN_OR_RETURN(auto batch, model::RecordBatch::Decode(builder_.Take()));
    batches_.push_back(std::move(batch));
    return {};
  }

  model::RecordBatchBuilder builder_;
  std::vector<std::shared_ptr<const model::RecordBatch>> batches_;
};

model::Filter OfJob(const std::string& job) {
  return model::Filter::Text(model::Filter::Kind::kEquals, "job_id", job, /*case_sensitive=*/true);
}

model::Filter OfItsDetectors() {
  auto event = [](const char* name) {
    return model::Filter::Text(model::Filter::Kind::kEquals, "event", name, /*case_sensitive=*/true);
  };
  return model::Filter::Or({event("detector_rule"), event("detector_finding")});
}

// From when on to read; nothing of the job is there: nullopt.
base::Result<std::optional<base::TimeNs>> Begin(store::Store* store, const std::string& project, const std::string& job,
                                                uint64_t most_records) {
  model::Scan scan;
  scan.project = project;
  scan.filter = OfJob(job);
  scan.newest_first = true;
  scan.limit = most_records;
  scan.fields = {"timestamp"};
  base::Budget budget;
  std::optional<base::TimeNs> oldest;
  RETURN_IF_ERROR(store->Read(scan, &budget, [&](const model::Record& record) {
    oldest = record.time;
    return true;
  }));
  return oldest;
}

}  // namespace

base::Result<std::vector<std::shared_ptr<const model::RecordBatch>>> LookBack(store::Store* store,
                                                                              const std::string& project,
                                                                              const std::string& job,
                                                                              uint64_t most_records) {
  Packer packer;
  ASSIGN_OR_RETURN(auto begin, Begin(store, project, job, most_records));
  if (!begin) return packer.Take();
  model::Scan scan;
  scan.project = project;
  scan.filter = model::Filter::And({OfJob(job), OfItsDetectors(), model::Filter::Time(INT64_MIN, *begin)});
  RETURN_IF_ERROR(packer.Read(store, scan));
  scan.filter = model::Filter::And({OfJob(job), model::Filter::Time(*begin, INT64_MAX)});
  RETURN_IF_ERROR(packer.Read(store, scan));
  return packer.Take();
}

}  // namespace rankscope::monitor
