#include "store/memtable.h"

namespace rankscope::store {
namespace {

using Buffers = std::map<std::string, RowBuffer>;  // by job

base::Status OfJob(const std::string& job, const base::Status& status, std::string* hindered) {
  *hindered = job;
  return status.WithContext("job \"" + job + "\"");
}

base::Status Split(const model::RecordBatch& batch, const std::multiset<std::string>& going, size_t records,
                   SegmentFolder* folder, Buffers* jobs, std::string* hindered) {
  std::vector<RowBuffer*> buffers;  // by origin; null: its records go
  for (const model::Origin& origin : batch.origins()) {
    if (going.contains(origin.job)) {
      buffers.push_back(nullptr);
      continue;
    }
    auto found = jobs->find(origin.job);
    if (found == jobs->end()) {
      auto templates = folder->TemplatesOf(origin.job);
      if (!templates.ok()) return OfJob(origin.job, templates.status(), hindered);
      found = jobs->emplace(origin.job, RowBuffer(*std::move(templates))).first;
      if (jobs->size() == 1) found->second.Reserve(records);  // mostly there is one
    }
    buffers.push_back(&found->second);
  }
  model::RecordBatch::Cursor cursor(batch);
  model::RecordView view;
  while (cursor.Next(&view)) {
    if (RowBuffer* buffer = buffers[view.origin_index]) buffer->Add(view);
  }
  return {};
}

}  // namespace

base::Result<std::vector<LiveSegment>> WriteSegments(const Memtable& table, const std::multiset<std::string>& going,
                                                     SegmentFolder* folder, std::string* hindered) {
  size_t records = 0;
  for (const auto& batch : table.batches) records += batch->size();
  Buffers jobs;
  for (const auto& batch : table.batches) RETURN_IF_ERROR(Split(*batch, going, records, folder, &jobs, hindered));
  std::vector<LiveSegment> written;
  for (auto& entry : jobs) {
    RowBuffer& buffer = entry.second;
    buffer.Finish();
    auto live = folder->Write(entry.first, [&](SegmentWriter* writer) { return writer->Add(buffer); });
    if (!live.ok()) {
      folder->Discard(written);
      return OfJob(entry.first, live.status(), hindered);
    }
    written.push_back(*std::move(live));
  }
  return written;
}

}  // namespace rankscope::store
