#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "model/record.h"
#include "model/selection.h"

namespace rankscope::store {

// One block of a segment: consecutive records, compressed and checksummed together.
struct Block {
  uint64_t offset = 0;
  uint32_t bytes = 0, raw_bytes = 0, count = 0;
  uint64_t checksum = 0;
  base::TimeNs min_time = 0, max_time = 0;
  int32_t min_rank = 0, max_rank = 0;  // -1 for records without a rank
  uint32_t streams = 0;                // bit = model::Stream
};

// An immutable file of one job's records, sorted by (time, arrival). Format: docs/design/store.md. Any thread.
class Segment {
 public:
  // Writes and syncs the file. REQUIRES records of one job, sorted, not empty.
  static base::Status Write(const std::string& path, const std::vector<const model::Record*>& records);
  // kCorrupt names the file.
  static base::Result<std::shared_ptr<const Segment>> Open(const std::string& path);

  const std::vector<Block>& blocks() const { return blocks_; }
  const std::string& job() const { return job_; }
  // Whether the block may hold a selected record.
  bool MayMatch(const Block& block, const model::Selection& selection) const;
  // kCorrupt names file and block; damaged bytes are never returned as data.
  base::Result<std::vector<model::Record>> ReadBlock(size_t index) const;

 private:
  std::string path_, project_, job_;
  base::UniqueFd fd_;
  std::vector<Block> blocks_;
};

}  // namespace rankscope::store
