#include "store/merge.h"

#include <algorithm>
#include <map>

#include "model/record_batch.h"
#include "store/blocks/block_reader.h"
#include "store/blocks/row_buffer.h"

namespace rankscope::store {
namespace {

constexpr uint64_t kSmallBlockRows = 8 << 10;  // blocks of fewer are encoded anew
constexpr uint32_t kSmallBlockBytes = 128 << 10;
constexpr uint64_t kMaxReencodedRows = 200'000;
constexpr uint64_t kMaxMergedBytes = uint64_t{1} << 30;

// The size class of a segment.
int TierOf(const Segment& segment) {
  int tier = 0;
  for (uint64_t bytes = segment.file_bytes() >> 16; bytes > 0; bytes >>= 3) ++tier;
  return tier;
}

// The first run worth merging among one job's segments: one that is twice its largest at least, so that a byte is
// copied once for each time that its segment doubles, and not for every few that come behind a large one.
std::vector<LiveSegment> FirstRun(const std::vector<LiveSegment>& all, size_t merge_at) {
  for (size_t begin = 0; begin < all.size(); ++begin) {
    size_t end = begin;
    int tier = TierOf(*all[begin].segment);
    uint64_t bytes = 0, largest = 0;
    for (; end < all.size() && TierOf(*all[end].segment) <= tier && bytes < kMaxMergedBytes; ++end) {
      bytes += all[end].segment->file_bytes();
      largest = std::max(largest, all[end].segment->file_bytes());
    }
    if (end - begin >= merge_at && bytes >= 2 * largest && bytes < 2 * kMaxMergedBytes)
      return {all.begin() + static_cast<long>(begin), all.begin() + static_cast<long>(end)};
  }
  return {};
}

bool IsSmall(const BlockInfo& block) { return block.rows < kSmallBlockRows && block.bytes < kSmallBlockBytes; }

// Small blocks in a row, on their way into larger ones.
class Reencoder {
 public:
  Reencoder(std::shared_ptr<TemplateDictionary> templates, SegmentWriter* writer)
      : templates_(std::move(templates)), writer_(writer) {}

  base::Status Add(const std::shared_ptr<const Segment>& segment, size_t block) {
    ASSIGN_OR_RETURN(auto header, segment->Header(block));
    BlockReader reader(segment, block, header, templates_);
    model::Record record;
    for (uint32_t row = 0; row < reader.rows(); ++row) {
      if (!reader.ReadRow(row, true, true, &record)) return reader.status();
      records_.Add(record);
    }
    return records_.size() >= kMaxReencodedRows ? Flush() : base::Status();
  }

  base::Status Flush() {
    if (records_.size() == 0) return {};
    ASSIGN_OR_RETURN(auto batch, model::RecordBatch::Decode(records_.Take()));
    RowBuffer buffer(templates_);
    model::RecordBatch::Cursor cursor(*batch);
    model::RecordView view;
    while (cursor.Next(&view)) buffer.Add(view);
    buffer.Finish();
    return writer_->Add(buffer);
  }

 private:
  std::shared_ptr<TemplateDictionary> templates_;
  SegmentWriter* writer_;
  model::RecordBatchBuilder records_;
};

}  // namespace

std::vector<LiveSegment> NextMerge(const std::vector<LiveSegment>& segments, const std::set<std::string>& unmergeable,
                                   size_t merge_at) {
  std::map<std::string, std::vector<LiveSegment>> jobs;
  for (const LiveSegment& live : segments) {
    if (!unmergeable.contains(live.name)) jobs[live.job()].push_back(live);
  }
  for (auto& [job, all] : jobs) {
    if (auto run = FirstRun(all, merge_at); !run.empty()) return run;
  }
  return {};
}

base::Status FillMerged(const std::vector<LiveSegment>& inputs, SegmentWriter* writer) {
  Reencoder reencoder(inputs[0].templates, writer);
  for (const LiveSegment& input : inputs) {
    for (size_t block = 0; block < input.segment->blocks().size(); ++block) {
      if (IsSmall(input.segment->blocks()[block])) {
        RETURN_IF_ERROR(reencoder.Add(input.segment, block));
      } else {
        RETURN_IF_ERROR(writer->Copy(*input.segment, block));
      }
    }
  }
  return reencoder.Flush();
}

}  // namespace rankscope::store
