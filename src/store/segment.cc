#include "store/segment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>

#include "base/coding.h"
#include "model/record_batch.h"

namespace rankscope::store {
namespace {

constexpr std::string_view kMagic = "RSSEG\0\0\1";
constexpr uint8_t kFooterVersion = 1;
constexpr size_t kTrailerBytes = 20;  // u32 footer length, u64 footer checksum, magic
constexpr size_t kBlockRawBytes = 256 << 10;
constexpr uint32_t kMaxRawBytes = 64 << 20;
constexpr int kCompressionLevel = 1;

std::string_view Magic() { return {kMagic.data(), 8}; }

size_t RoughSize(const model::Record& record) { return record.text.size() + 16 + record.fields.size() * 24; }

Block Describe(const std::vector<model::Record>& records) {
  Block block;
  block.count = static_cast<uint32_t>(records.size());
  block.min_time = records.front().time;
  block.max_time = records.back().time;
  block.min_rank = block.max_rank = records.front().origin.rank.value_or(-1);
  for (const model::Record& record : records) {
    int32_t rank = record.origin.rank.value_or(-1);
    block.min_rank = std::min(block.min_rank, rank);
    block.max_rank = std::max(block.max_rank, rank);
    block.streams |= 1u << static_cast<uint32_t>(record.stream);
  }
  return block;
}

void PutBlock(const Block& block, std::string* out) {
  base::PutVarint(out, block.offset);
  base::PutVarint(out, block.bytes);
  base::PutVarint(out, block.raw_bytes);
  base::PutVarint(out, block.count);
  base::PutFixed64(out, block.checksum);
  base::PutSigned(out, block.min_time);
  base::PutSigned(out, block.max_time);
  base::PutSigned(out, block.min_rank);
  base::PutSigned(out, block.max_rank);
  base::PutVarint(out, block.streams);
}

Block ReadBlockEntry(base::ByteReader* in) {
  Block block;
  block.offset = in->Varint();
  block.bytes = static_cast<uint32_t>(in->Varint());
  block.raw_bytes = static_cast<uint32_t>(in->Varint());
  block.count = static_cast<uint32_t>(in->Varint());
  block.checksum = in->Fixed64();
  block.min_time = in->Signed();
  block.max_time = in->Signed();
  block.min_rank = static_cast<int32_t>(in->Signed());
  block.max_rank = static_cast<int32_t>(in->Signed());
  block.streams = static_cast<uint32_t>(in->Varint());
  return block;
}

// Compresses the records, appends them to the file and to the footer's list.
base::Status WriteBlock(int fd, const std::vector<model::Record>& records, std::vector<Block>* blocks) {
  std::string raw;
  model::EncodeRecords(records, &raw);
  std::string compressed(ZSTD_compressBound(raw.size()), '\0');
  compressed.resize(ZSTD_compress(compressed.data(), compressed.size(), raw.data(), raw.size(), kCompressionLevel));
  Block block = Describe(records);
  block.offset = blocks->empty() ? 0 : blocks->back().offset + blocks->back().bytes;
  block.bytes = static_cast<uint32_t>(compressed.size());
  block.raw_bytes = static_cast<uint32_t>(raw.size());
  block.checksum = base::Checksum(compressed);
  blocks->push_back(block);
  return base::WriteFully(fd, compressed);
}

std::string EncodeFooter(const model::Origin& origin, const std::vector<Block>& blocks) {
  std::string footer(1, static_cast<char>(kFooterVersion));
  base::PutString(&footer, origin.project);
  base::PutString(&footer, origin.job);
  base::PutVarint(&footer, blocks.size());
  for (const Block& block : blocks) PutBlock(block, &footer);
  auto length = static_cast<uint32_t>(footer.size());
  uint64_t checksum = base::Checksum(footer);
  base::PutFixed32(&footer, length);
  base::PutFixed64(&footer, checksum);
  footer.append(Magic());
  return footer;
}

}  // namespace

base::Status Segment::Write(const std::string& path, const std::vector<const model::Record*>& records) {
  ASSIGN_OR_RETURN(base::UniqueFd fd, base::OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC));
  std::vector<Block> blocks;
  std::vector<model::Record> block;
  size_t size = 0;
  for (const model::Record* record : records) {
    block.push_back(*record);
    size += RoughSize(*record);
    if (size < kBlockRawBytes && record != records.back()) continue;
    RETURN_IF_ERROR(WriteBlock(fd.get(), block, &blocks).WithContext(path));
    block.clear();
    size = 0;
  }
  RETURN_IF_ERROR(base::WriteFully(fd.get(), EncodeFooter(records.front()->origin, blocks)).WithContext(path));
  if (fdatasync(fd.get()) != 0) return base::Status::FromErrno("cannot sync " + path, errno);
  return base::SyncDirectory(path.substr(0, path.rfind('/')));
}

base::Result<std::shared_ptr<const Segment>> Segment::Open(const std::string& path) {
  auto segment = std::make_shared<Segment>();
  segment->path_ = path;
  ASSIGN_OR_RETURN(segment->fd_, base::OpenFile(path, O_RDONLY));
  struct stat info {};
  if (fstat(segment->fd_.get(), &info) != 0) return base::Status::FromErrno(path, errno);
  auto size = static_cast<uint64_t>(info.st_size);
  base::Status damaged = base::Status::Corrupt(path + ": footer is damaged; the segment cannot be read");
  if (size < kTrailerBytes) return damaged;
  ASSIGN_OR_RETURN(std::string trailer, base::ReadAt(segment->fd_.get(), size - kTrailerBytes, kTrailerBytes));
  base::ByteReader tail(trailer);
  uint32_t length = tail.Fixed32();
  uint64_t checksum = tail.Fixed64();
  if (!trailer.ends_with(Magic()) || length > size - kTrailerBytes) return damaged;
  ASSIGN_OR_RETURN(std::string footer, base::ReadAt(segment->fd_.get(), size - kTrailerBytes - length, length));
  if (base::Checksum(footer) != checksum) return damaged;
  base::ByteReader in(footer);
  if (in.Byte() != kFooterVersion) return base::Status::Corrupt(path + ": written by a newer version");
  segment->project_ = in.String();
  segment->job_ = in.String();
  for (uint64_t count = in.Varint(); count > 0 && in.ok(); --count) segment->blocks_.push_back(ReadBlockEntry(&in));
  if (!in.ok()) return damaged;
  return std::shared_ptr<const Segment>(std::move(segment));
}

bool Segment::MayMatch(const Block& block, const model::Selection& selection) const {
  if (project_ != selection.project || (!selection.job.empty() && job_ != selection.job)) return false;
  if (block.max_time < selection.since || block.min_time >= selection.until) return false;
  if (!selection.streams.empty()) {
    uint32_t wanted = 0;
    for (model::Stream stream : selection.streams) wanted |= 1u << static_cast<uint32_t>(stream);
    if ((wanted & block.streams) == 0) return false;
  }
  if (selection.ranks.empty()) return true;
  return std::any_of(selection.ranks.ranges.begin(), selection.ranks.ranges.end(), [&](const auto& range) {
    return range.excluded || (range.first <= block.max_rank && range.last >= block.min_rank);
  });
}

base::Result<std::vector<model::Record>> Segment::ReadBlock(size_t index) const {
  const Block& block = blocks_[index];
  base::Status damaged = base::Status::Corrupt(path_ + ": block " + std::to_string(index) + " (" +
                                               std::to_string(block.count) + " records) is damaged and left out");
  ASSIGN_OR_RETURN(std::string compressed, base::ReadAt(fd_.get(), block.offset, block.bytes));
  if (compressed.size() != block.bytes || base::Checksum(compressed) != block.checksum) return damaged;
  if (block.raw_bytes > kMaxRawBytes) return damaged;
  std::string raw(block.raw_bytes, '\0');
  size_t size = ZSTD_decompress(raw.data(), raw.size(), compressed.data(), compressed.size());
  if (ZSTD_isError(size) || size != raw.size()) return damaged;
  auto records = model::DecodeRecords(raw);
  if (!records.ok()) return damaged;
  return records;
}

}  // namespace rankscope::store
