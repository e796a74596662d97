#include "store/segment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <set>

#include "base/coding.h"
#include "store/columns/compression.h"
#include "store/job_folder.h"
#include "store/segment_summary.h"

namespace rankscope::store {
namespace {

constexpr std::string_view kMagic = "RSSEG\0\0";
// 2 had no rollups; up to 3 no schemas shared a column, and texts were no codes of pieces.
constexpr uint8_t kVersion = 4, kOldestVersion = 2;
constexpr size_t kTrailerBytes = 24;  // u32 footer bytes, u32 raw bytes, u64 checksum, magic
// Rows of a block: of the first of a segment, and of the others, by what the one before took. A block is lost as a
// whole where a column of all its rows is damaged, so one that compresses badly has fewer.
constexpr size_t kFirstRows = 8 << 10, kMinRows = 4 << 10, kMaxRows = 32 << 10;
constexpr size_t kBlockBytes = 512 << 10;
constexpr uint32_t kMaxFooterBytes = 256 << 20;

std::string Magic(uint8_t version) { return std::string(kMagic.data(), 7) + static_cast<char>(version); }

// 0: it is none that is read here.
uint8_t VersionOf(std::string_view trailer) {
  for (uint8_t version = kOldestVersion; version <= kVersion; ++version) {
    if (trailer.ends_with(Magic(version))) return version;
  }
  return 0;
}

uint64_t FooterChecksum(std::string_view footer, uint32_t raw_bytes) {
  return base::Checksum(footer, (uint64_t{raw_bytes} << 32) + footer.size());
}

void PutBlockInfo(const BlockInfo& block, std::string* out) {
  base::PutVarint(out, block.bytes);
  base::PutVarint(out, block.header_bytes);
  base::PutVarint(out, block.header_raw_bytes);
  base::PutFixed64(out, block.header_checksum);
  base::PutVarint(out, block.rollup_bytes);
  base::PutFixed32(out, block.rollup_checksum);
  base::PutVarint(out, block.rows);
  base::PutSigned(out, block.min_time);
  base::PutSigned(out, block.max_time);
}

BlockInfo ReadBlockInfo(base::ByteReader* in, uint8_t version) {
  BlockInfo block;
  block.bytes = static_cast<uint32_t>(in->Varint());
  block.header_bytes = static_cast<uint32_t>(in->Varint());
  block.header_raw_bytes = static_cast<uint32_t>(in->Varint());
  block.header_checksum = in->Fixed64();
  if (version > 2) {
    block.rollup_bytes = static_cast<uint32_t>(in->Varint());
    block.rollup_checksum = in->Fixed32();
  }
  block.rows = static_cast<uint32_t>(in->Varint());
  block.min_time = in->Signed();
  block.max_time = in->Signed();
  return block;
}

// What is lost: how many records only the footer knew.
base::Status FooterDamage(const std::string& path, uint64_t bytes) {
  auto job = JobOfFile(path);
  return base::Status::Corrupt(path + ": footer is damaged: " + std::to_string(bytes) + " bytes of records of " +
                               (job ? "job \"" + *job + "\"" : "the job of this folder") + " cannot be read");
}

}  // namespace

std::shared_ptr<const BlockHeader> HeaderCache::Find(const Segment* segment, size_t block) {
  std::lock_guard lock(mutex_);
  auto found = index_.find({segment, block});
  if (found == index_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->header;
}

void HeaderCache::Put(const Segment* segment, size_t block, std::shared_ptr<const BlockHeader> header) {
  std::lock_guard lock(mutex_);
  Key key(segment, block);
  if (index_.contains(key)) return;
  size_t bytes = header->Memory();
  entries_.push_front({key, std::move(header), bytes});
  index_[key] = entries_.begin();
  bytes_ += bytes;
  while (bytes_ > kMaxBytes && entries_.size() > 1) {
    bytes_ -= entries_.back().bytes;
    index_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

std::shared_ptr<const SegmentSummary> HeaderCache::FindSummary(const Segment* segment) {
  std::lock_guard lock(mutex_);
  auto is_its = [segment](const Summary& entry) { return entry.segment == segment; };
  auto found = std::find_if(summaries_.begin(), summaries_.end(), is_its);
  if (found == summaries_.end()) return nullptr;
  summaries_.splice(summaries_.begin(), summaries_, found);
  return found->summary;
}

void HeaderCache::PutSummary(const Segment* segment, std::shared_ptr<const SegmentSummary> summary) {
  size_t bytes = summary->Memory();
  std::lock_guard lock(mutex_);
  summaries_.push_front({segment, std::move(summary), bytes});
  summary_bytes_ += bytes;
  while (summary_bytes_ > kMaxSummaryBytes && summaries_.size() > 1) {
    summary_bytes_ -= summaries_.back().bytes;
    summaries_.pop_back();
  }
}

void HeaderCache::Forget(const Segment* segment) {
  std::lock_guard lock(mutex_);
  auto gone = [segment](const Summary& entry) { return entry.segment == segment; };
  if (auto at = std::find_if(summaries_.begin(), summaries_.end(), gone); at != summaries_.end()) {
    summary_bytes_ -= at->bytes;
    summaries_.erase(at);
  }
  for (auto at = index_.lower_bound({segment, 0}); at != index_.end() && at->first.first == segment;) {
    bytes_ -= at->second->bytes;
    entries_.erase(at->second);
    at = index_.erase(at);
  }
}

Segment::Segment()
    : id_([] {
        static std::atomic<uint64_t> last{0};
        return ++last;
      }()) {}

Segment::~Segment() {
  if (cache_) cache_->Forget(this);
}

base::Result<std::shared_ptr<const Segment>> Segment::Open(const std::string& path, HeaderCache* cache) {
  std::shared_ptr<Segment> segment(new Segment);
  segment->path_ = path;
  ASSIGN_OR_RETURN(segment->fd_, base::OpenFile(path, O_RDONLY));
  struct stat info {};
  if (fstat(segment->fd_.get(), &info) != 0) return base::Status::FromErrno(path, errno);
  auto size = static_cast<uint64_t>(info.st_size);
  segment->file_bytes_ = size;
  base::Status damaged = FooterDamage(path, size);
  if (size < kTrailerBytes) return damaged;
  ASSIGN_OR_RETURN(std::string trailer, base::ReadAt(segment->fd_.get(), size - kTrailerBytes, kTrailerBytes));
  base::ByteReader tail(trailer);
  uint32_t length = tail.Fixed32(), raw_length = tail.Fixed32();
  uint64_t checksum = tail.Fixed64();
  uint8_t version = VersionOf(trailer);
  if (version == 0 || length > size - kTrailerBytes || raw_length > kMaxFooterBytes) return damaged;
  ASSIGN_OR_RETURN(std::string footer, base::ReadAt(segment->fd_.get(), size - kTrailerBytes - length, length));
  std::string raw;
  if (FooterChecksum(footer, raw_length) != checksum || !ReadCompressed(footer, raw_length, &raw)) return damaged;
  base::ByteReader in(raw);
  if (in.Byte() != version) return base::Status::Corrupt(path + ": written by a newer version");
  segment->project_ = in.String();
  segment->job_ = in.String();
  segment->templates_ = static_cast<uint32_t>(in.Varint());
  uint64_t offset = 0;
  for (uint64_t count = in.Varint(); count > 0 && in.ok(); --count) {
    BlockInfo& block = segment->blocks_.emplace_back(ReadBlockInfo(&in, version));
    if (uint64_t{block.header_bytes} + block.rollup_bytes > block.bytes) return damaged;
    block.offset = offset;
    offset += block.bytes;
    segment->rows_ += block.rows;
    segment->min_time_ = std::min(segment->min_time_, block.min_time);
    segment->max_time_ = std::max(segment->max_time_, block.max_time);
  }
  if (!in.ok() || offset + length + kTrailerBytes != size) return damaged;
  segment->cache_ = cache;
  return std::shared_ptr<const Segment>(std::move(segment));
}

base::Status Segment::Damaged(size_t block) const {
  return base::Status::Corrupt(path_ + ": block " + std::to_string(block) + " of job " + job_ +
                               " is damaged: " + std::to_string(blocks_[block].rows) + " records are left out");
}

base::Result<std::shared_ptr<const BlockHeader>> Segment::Header(size_t block) const {
  if (auto cached = cache_->Find(this, block)) return cached;
  ASSIGN_OR_RETURN(auto header, ReadHeader(block));
  cache_->Put(this, block, header);
  return header;
}

base::Result<std::shared_ptr<const BlockHeader>> Segment::ReadHeader(size_t block) const {
  const BlockInfo& info = blocks_[block];
  ASSIGN_OR_RETURN(std::string bytes,
                   base::ReadAt(fd_.get(), info.offset + info.bytes - info.header_bytes, info.header_bytes));
  auto header = std::make_shared<BlockHeader>();
  if (!DecodeHeader(bytes, info, header.get())) return Damaged(block);
  // The columns must fill what the header leaves of the block.
  uint64_t columns = 0;
  for (const BlockHeader::Column& column : header->columns) columns += column.here.empty() ? column.bytes : 0;
  if (columns + info.rollup_bytes + info.header_bytes != info.bytes) return Damaged(block);
  return std::shared_ptr<const BlockHeader>(std::move(header));
}

base::Result<std::string> Segment::ReadColumn(size_t block, const BlockHeader::Column& place) const {
  if (!place.here.empty() || place.bytes == 0) return place.here;
  ASSIGN_OR_RETURN(std::string bytes, base::ReadAt(fd_.get(), blocks_[block].offset + place.offset, place.bytes));
  bool whole = bytes.size() == place.bytes && static_cast<uint32_t>(base::Checksum(bytes)) == place.checksum;
  if (!whole) return Damaged(block);
  return bytes;
}

base::Result<std::string> Segment::ReadBlock(size_t block) const {
  ASSIGN_OR_RETURN(auto header, ReadHeader(block));  // not kept: merges look at each once
  ASSIGN_OR_RETURN(std::string bytes, base::ReadAt(fd_.get(), blocks_[block].offset, blocks_[block].bytes));
  if (bytes.size() != blocks_[block].bytes) return Damaged(block);
  for (const BlockHeader::Column& column : header->columns) {
    if (!column.here.empty() || column.bytes == 0) continue;
    std::string_view part = std::string_view(bytes).substr(column.offset, column.bytes);
    if (static_cast<uint32_t>(base::Checksum(part)) != column.checksum) return Damaged(block);
  }
  RETURN_IF_ERROR(ReadRollup(block).status());
  return bytes;
}

base::Result<std::string> Segment::ReadRollup(size_t block) const {
  const BlockInfo& info = blocks_[block];
  uint64_t offset = info.offset + info.bytes - info.header_bytes - info.rollup_bytes;
  ASSIGN_OR_RETURN(std::string bytes, base::ReadAt(fd_.get(), offset, info.rollup_bytes));
  bool whole =
      bytes.size() == info.rollup_bytes && static_cast<uint32_t>(base::Checksum(bytes)) == info.rollup_checksum;
  if (!whole && info.rollup_bytes > 0) return Damaged(block);
  return bytes;
}

std::shared_ptr<const SegmentSummary> Segment::Summary() const {
  std::lock_guard lock(summary_mutex_);
  if (no_summary_) return nullptr;
  auto summary = cache_->FindSummary(this);
  if (summary) return summary;
  summary = SegmentSummary::Of(*this);
  no_summary_ = !summary;
  if (summary) cache_->PutSummary(this, summary);
  return summary;
}

base::Result<std::unique_ptr<SegmentWriter>> SegmentWriter::Create(const std::string& path, std::string project,
                                                                   std::string job) {
  std::unique_ptr<SegmentWriter> writer(new SegmentWriter);
  writer->path_ = path;
  writer->project_ = std::move(project);
  writer->job_ = std::move(job);
  ASSIGN_OR_RETURN(writer->fd_, base::OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC));
  return writer;
}

base::Status SegmentWriter::Write(std::string_view bytes) {
  RETURN_IF_ERROR(base::WriteFully(fd_.get(), bytes).WithContext(path_));
  offset_ += bytes.size();
  return {};
}

// Blocks are tiles: some ranks, some time. Where a rank has too many rows for one they are cut by time.
base::Status SegmentWriter::Add(const RowBuffer& buffer) {
  const size_t rows = buffer.size();
  std::string bytes;
  size_t target = kFirstRows;
  for (size_t begin = 0; begin < rows;) {
    size_t left = rows - begin, most = target + target / 4;
    size_t end = begin + (left > most ? target : left);
    // Not through an origin's rows, if its end is near.
    size_t whole = end;
    while (whole < rows && whole - begin <= most && buffer.row(whole).origin == buffer.row(end - 1).origin) ++whole;
    if (whole - begin <= most) end = whole;
    bytes.clear();
    blocks_.push_back(EncodeBlock(buffer, begin, end, offset_, &bytes));
    target = std::clamp(kBlockBytes * (end - begin) / bytes.size(), kMinRows, kMaxRows);
    RETURN_IF_ERROR(Write(bytes));
    begin = end;
  }
  return {};
}

base::Status SegmentWriter::Copy(const Segment& segment, size_t block) {
  ASSIGN_OR_RETURN(std::string bytes, segment.ReadBlock(block));
  blocks_.push_back(segment.blocks()[block]);
  blocks_.back().offset = offset_;
  return Write(bytes);
}

base::Status SegmentWriter::Finish(uint32_t templates) {
  std::string raw(1, static_cast<char>(kVersion)), footer;
  base::PutString(&raw, project_);
  base::PutString(&raw, job_);
  base::PutVarint(&raw, templates);
  base::PutVarint(&raw, blocks_.size());
  for (const BlockInfo& block : blocks_) PutBlockInfo(block, &raw);
  PutCompressed(raw, kColumnLevel, &footer);
  auto length = static_cast<uint32_t>(footer.size()), raw_length = static_cast<uint32_t>(raw.size());
  uint64_t checksum = FooterChecksum(footer, raw_length);
  base::PutFixed32(&footer, length);
  base::PutFixed32(&footer, raw_length);
  base::PutFixed64(&footer, checksum);
  footer.append(Magic(kVersion));
  RETURN_IF_ERROR(Write(footer));
  RETURN_IF_ERROR(base::SyncFile(fd_.get(), path_));
  return base::SyncDirectory(path_.substr(0, path_.rfind('/')));
}

void ReportDamage(const base::Status& status) {
  static std::mutex mutex;
  static std::set<std::string> said;
  std::lock_guard lock(mutex);
  if (said.size() < 1000 && said.insert(status.message()).second) {
    std::fprintf(stderr, "rankscope: %s\n", status.message().c_str());
  }
}

void ReportDamage(const base::Status& status, base::Budget* budget) {
  ReportDamage(status);
  budget->LeaveOut(status);
}

}  // namespace rankscope::store
