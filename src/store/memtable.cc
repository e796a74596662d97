#include "store/memtable.h"

#include <algorithm>

namespace rankscope::store {
namespace {

using Buffers = std::map<std::string, RowBuffer>;  // by job

// Records of jobs that have no folder are left out.
void Split(const model::RecordBatch& batch, size_t records, SegmentFolder* folder, Buffers* jobs, Written* written) {
  std::vector<RowBuffer*> buffers;
  for (const model::Origin& origin : batch.origins()) {
    auto found = jobs->find(origin.job);
    if (found == jobs->end() && !written->failed.contains(origin.job)) {
      if (auto templates = folder->TemplatesOf(origin.job); templates.ok()) {
        found = jobs->emplace(origin.job, RowBuffer(*std::move(templates))).first;
        if (jobs->size() == 1) found->second.Reserve(records);  // mostly there is one
      } else {
        written->failed[origin.job] = templates.status();
      }
    }
    buffers.push_back(found == jobs->end() ? nullptr : &found->second);
  }
  model::RecordBatch::Cursor cursor(batch);
  model::RecordView view;
  while (cursor.Next(&view)) {
    if (RowBuffer* buffer = buffers[view.origin_index]) buffer->Add(view);
  }
}

const base::Status* FullDisk(const Written& written) {
  for (const auto& [job, why] : written.failed) {
    if (why.code() == base::Code::kUnavailable) return &why;
  }
  return nullptr;
}

std::shared_ptr<const model::RecordBatch> Copy(const model::RecordBatch& batch, const std::vector<bool>& origins) {
  model::RecordBatchBuilder builder;
  model::RecordBatch::Cursor cursor(batch);
  model::RecordView view;
  while (cursor.Next(&view)) {
    if (!origins[view.origin_index]) continue;
    view.origin_index = builder.OriginIndex(*view.origin);
    builder.Add(view);
  }
  return *model::RecordBatch::Decode(builder.Take());
}

}  // namespace

base::Result<Written> WriteSegments(const Batches& batches, SegmentFolder* folder) {
  size_t records = 0;
  for (const auto& batch : batches) records += batch->size();
  Written written;
  Buffers jobs;
  for (const auto& batch : batches) Split(*batch, records, folder, &jobs, &written);
  for (auto& entry : jobs) {
    RowBuffer& buffer = entry.second;
    if (FullDisk(written)) break;
    buffer.Finish();
    auto live = folder->Write(entry.first, [&](SegmentWriter* writer) { return writer->Add(buffer); });
    if (live.ok()) {
      written.segments.push_back(*std::move(live));
    } else {
      written.failed[entry.first] = live.status();
    }
  }
  if (const base::Status* why = FullDisk(written)) {
    folder->Discard(written.segments);
    return *why;
  }
  return written;
}

Batches Choose(const Batches& batches, const std::function<bool(const std::string& job)>& chosen) {
  Batches out;
  for (const auto& batch : batches) {
    std::vector<bool> origins;
    for (const model::Origin& origin : batch->origins()) origins.push_back(chosen(origin.job));
    auto count = static_cast<size_t>(std::count(origins.begin(), origins.end(), true));
    if (count == 0) continue;
    out.push_back(count == origins.size() ? batch : Copy(*batch, origins));
  }
  return out;
}

}  // namespace rankscope::store
