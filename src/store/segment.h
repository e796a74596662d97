#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/budget.h"
#include "base/file.h"
#include "base/status.h"
#include "store/blocks/block.h"

namespace rankscope::store {

class Segment;
class SegmentSummary;

// Decoded headers of blocks, and summaries of segments; of either the last used ones up to a size. Any thread.
class HeaderCache {
 public:
  static constexpr size_t kMaxBytes = 96 << 20, kMaxSummaryBytes = 256 << 20;

  std::shared_ptr<const BlockHeader> Find(const Segment* segment, size_t block);
  void Put(const Segment* segment, size_t block, std::shared_ptr<const BlockHeader> header);
  std::shared_ptr<const SegmentSummary> FindSummary(const Segment* segment);
  void PutSummary(const Segment* segment, std::shared_ptr<const SegmentSummary> summary);
  void Forget(const Segment* segment);

 private:
  using Key = std::pair<const Segment*, size_t>;
  struct Entry {
    Key key;
    std::shared_ptr<const BlockHeader> header;
    size_t bytes;
  };
  struct Summary {
    const Segment* segment;
    std::shared_ptr<const SegmentSummary> summary;
    size_t bytes;
  };
  std::mutex mutex_;          // guards what follows
  std::list<Entry> entries_;  // last used first
  std::map<Key, std::list<Entry>::iterator> index_;
  size_t bytes_ = 0;
  std::list<Summary> summaries_;  // likewise
  size_t summary_bytes_ = 0;
};

// An immutable file of one job's records: blocks, then a footer that knows them. Format: docs/design/segment.md. Any
// thread.
class Segment {
 public:
  // kCorrupt names the file. `cache` outlives the segment.
  static base::Result<std::shared_ptr<const Segment>> Open(const std::string& path, HeaderCache* cache);
  ~Segment();

  // Its own in this process, also among those that are gone.
  uint64_t id() const { return id_; }
  const std::string& path() const { return path_; }
  const std::string& project() const { return project_; }
  const std::string& job() const { return job_; }
  const std::vector<BlockInfo>& blocks() const { return blocks_; }
  uint64_t file_bytes() const { return file_bytes_; }
  uint64_t rows() const { return rows_; }
  uint32_t templates() const { return templates_; }  // that its texts need
  base::TimeNs min_time() const { return min_time_; }
  base::TimeNs max_time() const { return max_time_; }

  // kCorrupt names file and block and says what is lost; damaged bytes are never returned as data.
  base::Result<std::shared_ptr<const BlockHeader>> Header(size_t block) const;
  base::Result<std::string> ReadColumn(size_t block, const BlockHeader& header, uint32_t column) const {
    return ReadColumn(block, header.columns[column]);
  }
  base::Result<std::string> ReadColumn(size_t block, const BlockHeader::Column& place) const;
  // The bytes of the block's rollup; none: it has none.
  base::Result<std::string> ReadRollup(size_t block) const;
  // The whole block as it lies in the file, checked.
  base::Result<std::string> ReadBlock(size_t block) const;
  base::Status Damaged(size_t block) const;

  // Made when it is asked for and not in the cache, which takes as long as reading all headers. Null: there is none.
  std::shared_ptr<const SegmentSummary> Summary() const;

 private:
  Segment();
  base::Result<std::shared_ptr<const BlockHeader>> ReadHeader(size_t block) const;

  const uint64_t id_;
  std::string path_, project_, job_;
  base::UniqueFd fd_;
  HeaderCache* cache_ = nullptr;
  std::vector<BlockInfo> blocks_;
  uint64_t file_bytes_ = 0, rows_ = 0;
  uint32_t templates_ = 0;
  base::TimeNs min_time_ = INT64_MAX, max_time_ = INT64_MIN;
  mutable std::mutex summary_mutex_;  // one thread makes it; guards what follows
  mutable bool no_summary_ = false;
};

// Writes one segment. One thread. A writer that is destroyed before Finish leaves a file that no manifest names.
class SegmentWriter {
 public:
  static base::Result<std::unique_ptr<SegmentWriter>> Create(const std::string& path, std::string project,
                                                             std::string job);
  // Appends the finished buffer's rows as blocks.
  base::Status Add(const RowBuffer& buffer);
  // Appends the other segment's block as it is.
  base::Status Copy(const Segment& segment, size_t block);
  // Writes the footer; everything is durable. `templates` of the job's dictionary are needed.
  base::Status Finish(uint32_t templates);

 private:
  SegmentWriter() = default;
  base::Status Write(std::string_view bytes);

  std::string path_, project_, job_;
  base::UniqueFd fd_;
  std::vector<BlockInfo> blocks_;
  uint64_t offset_ = 0;
};

// Says on stderr that something could not be read, once.
void ReportDamage(const base::Status& status);
// The same, and that the scan goes on without it.
void ReportDamage(const base::Status& status, base::Budget* budget);

}  // namespace rankscope::store
