#include "wire/frame.h"

#include "base/coding.h"
#include "base/lz4.h"
#include "base/zstd.h"
#include "model/record_batch.h"

namespace rankscope::wire {
namespace {

constexpr int kCompressionLevel = 1;

base::Status Damaged(const Frame& frame, std::string_view what) {
  return base::Status::Corrupt("frame of records " + std::to_string(frame.first_seq) + " to " +
                               std::to_string(frame.last_seq()) + ": " + std::string(what));
}

Frame FrameOf(std::string_view batch, size_t count, uint64_t first_seq, std::string payload) {
  Frame frame;
  frame.first_seq = first_seq;
  frame.count = static_cast<uint32_t>(count);
  frame.raw_bytes = static_cast<uint32_t>(batch.size());
  frame.checksum = base::Checksum(payload);
  frame.payload = std::move(payload);
  return frame;
}

bool Decompress(const Frame& frame, std::string* raw) {
  return base::IsLz4(frame.payload) ? base::ReadLz4(frame.payload, frame.raw_bytes, raw)
                                    : base::ReadZstd(frame.payload, frame.raw_bytes, raw);
}

}  // namespace

Frame MakeFrame(const std::vector<model::Record>& records) {
  return MakeFrame(records, records.front().seq, records.back().seq);
}

Frame MakeFrame(const std::vector<model::Record>& records, uint64_t first_seq, uint64_t last_seq) {
  std::string raw;
  model::EncodeRecords(records, &raw);
  std::string payload;
  base::PutZstd(raw, kCompressionLevel, &payload);
  return FrameOf(raw, last_seq - first_seq + 1, first_seq, std::move(payload));
}

Frame MakeQuickFrame(std::string_view batch, size_t count, uint64_t first_seq) {
  std::string payload;
  base::PutLz4(batch, &payload);
  return FrameOf(batch, count, first_seq, std::move(payload));
}

base::Status CheckFrame(const Frame& frame) {
  if (frame.count == 0) return base::Status::Corrupt("frame without records");
  if (frame.raw_bytes > kMaxFrameBytes || frame.payload.size() > kMaxFrameBytes) return Damaged(frame, "too large");
  if (base::Checksum(frame.payload) != frame.checksum) return Damaged(frame, "checksum differs");
  return {};
}

base::Result<std::shared_ptr<const model::RecordBatch>> OpenFrame(const Frame& frame, const std::string& project) {
  RETURN_IF_ERROR(CheckFrame(frame));
  std::string raw;
  if (!Decompress(frame, &raw)) return Damaged(frame, "cannot be decompressed");
  auto records = model::RecordBatch::Decode(std::move(raw), {project, frame.clock_offset_ns});
  if (!records.ok()) return Damaged(frame, records.status().message());
  if (frame.first_seq == 0) {
    if ((*records)->size() != frame.count) return Damaged(frame, "record count differs");
  } else if (!(*records)->IsNumberedWithin(frame.first_seq, frame.last_seq())) {
    return Damaged(frame, "sequence numbers are out of order");
  }
  return records;
}

void EncodeFrame(const Frame& frame, std::string* out) {
  EncodeFrameHead(frame, out);
  out->append(frame.payload);
}

void EncodeFrameHead(const Frame& frame, std::string* out) {
  base::PutVarint(out, frame.first_seq);
  base::PutVarint(out, frame.count);
  base::PutVarint(out, frame.raw_bytes);
  base::PutFixed64(out, frame.checksum);
  base::PutSigned(out, frame.clock_offset_ns);
  base::PutVarint(out, frame.payload.size());
}

base::Result<Frame> DecodeFrame(std::string_view bytes) {
  base::ByteReader in(bytes);
  Frame frame;
  frame.first_seq = in.Varint();
  frame.count = static_cast<uint32_t>(in.Varint());
  frame.raw_bytes = static_cast<uint32_t>(in.Varint());
  frame.checksum = in.Fixed64();
  frame.clock_offset_ns = in.Signed();
  frame.payload = in.String();
  if (!in.ok() || !in.empty()) return base::Status::Corrupt("frame: malformed header");
  return frame;
}

}  // namespace rankscope::wire
