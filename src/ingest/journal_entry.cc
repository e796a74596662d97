#include "ingest/journal_entry.h"

#include "base/coding.h"

namespace rankscope::ingest {
namespace {

constexpr uint8_t kFrame = 1;
constexpr uint8_t kWatermarks = 2;

}  // namespace

std::string EncodeEntry(const FrameEntry& entry) {
  std::string out;
  out.push_back(kFrame);
  base::PutString(&out, entry.producer);
  base::PutVarint(&out, entry.epoch);
  base::PutString(&out, entry.project);
  base::PutFixed64(&out, static_cast<uint64_t>(entry.arrival));
  std::string frame;
  wire::EncodeFrame(entry.frame, &frame);
  base::PutString(&out, frame);
  return out;
}

std::string EncodeEntry(const Watermarks& watermarks) {
  std::string out;
  out.push_back(kWatermarks);
  base::PutVarint(&out, watermarks.size());
  for (const auto& [producer, watermark] : watermarks) {
    base::PutString(&out, producer);
    base::PutVarint(&out, watermark.epoch);
    base::PutVarint(&out, watermark.committed_seq);
  }
  return out;
}

base::Result<JournalEntry> DecodeEntry(std::string_view bytes) {
  base::ByteReader in(bytes);
  uint8_t kind = in.Byte();
  if (kind == kFrame) {
    FrameEntry entry;
    entry.producer = in.String();
    entry.epoch = static_cast<uint32_t>(in.Varint());
    entry.project = in.String();
    entry.arrival = static_cast<base::TimeNs>(in.Fixed64());
    std::string_view frame = in.String();
    if (!in.ok()) return base::Status::Corrupt("journal entry: malformed frame entry");
    ASSIGN_OR_RETURN(entry.frame, wire::DecodeFrame(frame));
    return JournalEntry(std::move(entry));
  }
  if (kind != kWatermarks) return base::Status::Corrupt("journal entry: unknown kind " + std::to_string(kind));
  Watermarks watermarks;
  for (uint64_t count = in.Varint(); count > 0 && in.ok(); --count) {
    std::string producer(in.String());
    auto epoch = static_cast<uint32_t>(in.Varint());
    watermarks[producer] = {epoch, in.Varint()};
  }
  if (!in.ok()) return base::Status::Corrupt("journal entry: malformed watermark table");
  return JournalEntry(std::move(watermarks));
}

}  // namespace rankscope::ingest
