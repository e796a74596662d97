#include "ingest/journal_entry.h"

#include "base/coding.h"

namespace rankscope::ingest {
namespace {

constexpr uint8_t kFrame = 1;
constexpr uint8_t kWatermarks = 2;
constexpr uint8_t kLost = 3;
constexpr uint8_t kForget = 4;
constexpr uint8_t kTick = 5;
constexpr uint8_t kBatch = 6;

void Put(const Sender& sender, std::string* out) {
  base::PutString(out, sender.producer);
  base::PutVarint(out, sender.epoch);
  base::PutString(out, sender.project);
  base::PutFixed64(out, static_cast<uint64_t>(sender.arrival));
}

Sender GetSender(base::ByteReader* in) {
  Sender sender;
  sender.producer = in->String();
  sender.epoch = static_cast<uint32_t>(in->Varint());
  sender.project = in->String();
  sender.arrival = static_cast<base::TimeNs>(in->Fixed64());
  return sender;
}

base::Result<JournalEntry> DecodeFrameEntry(base::ByteReader in) {
  FrameEntry entry;
  entry.sender = GetSender(&in);
  std::string_view frame = in.String();
  if (!in.ok()) return base::Status::Corrupt("journal entry: malformed frame entry");
  ASSIGN_OR_RETURN(entry.frame, wire::DecodeFrame(frame));
  return JournalEntry(std::move(entry));
}

base::Result<JournalEntry> DecodeBatchEntry(base::ByteReader in) {
  BatchEntry entry;
  entry.sender = GetSender(&in);
  entry.first = in.Varint();
  std::string batch(in.Bytes(in.remaining()));
  if (!in.ok()) return base::Status::Corrupt("journal entry: malformed batch entry");
  ASSIGN_OR_RETURN(entry.records, model::RecordBatch::Decode(std::move(batch), {entry.sender.project, 0}));
  return JournalEntry(std::move(entry));
}

base::Result<JournalEntry> DecodeLostEntry(base::ByteReader in) {
  LostEntry entry;
  entry.sender = GetSender(&in);
  entry.lost.from_seq = in.Varint();
  entry.lost.to_seq = in.Varint();
  entry.lost.reason = in.String();
  if (!in.ok()) return base::Status::Corrupt("journal entry: malformed lost entry");
  return JournalEntry(std::move(entry));
}

base::Result<JournalEntry> DecodeForgetEntry(base::ByteReader in) {
  ForgetEntry entry;
  entry.sender = GetSender(&in);
  entry.prefix = in.String();
  if (!in.ok()) return base::Status::Corrupt("journal entry: malformed forget entry");
  return JournalEntry(std::move(entry));
}

base::Result<JournalEntry> DecodeTickEntry(base::ByteReader in) {
  TickEntry entry;
  entry.sender = GetSender(&in);
  for (uint64_t count = in.Varint(); count > 0 && in.ok(); --count) {
    std::string job(in.String());
    entry.jobs.push_back({std::move(job), static_cast<base::TimeNs>(in.Fixed64())});
  }
  if (!in.ok()) return base::Status::Corrupt("journal entry: malformed tick");
  return JournalEntry(std::move(entry));
}

base::Result<JournalEntry> DecodeWatermarks(base::ByteReader in) {
  Watermarks watermarks;
  for (uint64_t count = in.Varint(); count > 0 && in.ok(); --count) {
    std::string producer(in.String());
    auto epoch = static_cast<uint32_t>(in.Varint());
    watermarks[producer] = {epoch, in.Varint()};
  }
  if (!in.ok()) return base::Status::Corrupt("journal entry: malformed watermark table");
  return JournalEntry(std::move(watermarks));
}

}  // namespace

void Forget(const std::string& prefix, Watermarks* watermarks) {
  std::erase_if(*watermarks, [&](const auto& entry) { return entry.first.starts_with(prefix); });
}

std::string EncodeEntry(const FrameEntry& entry) {
  std::string head;
  wire::EncodeFrameHead(entry.frame, &head);
  std::string out(1, kFrame);
  Put(entry.sender, &out);
  base::PutVarint(&out, head.size() + entry.frame.payload.size());
  return out + head;
}

std::string EncodeEntry(const BatchEntry& entry) {
  std::string out(1, kBatch);
  Put(entry.sender, &out);
  base::PutVarint(&out, entry.first);
  return out.append(entry.records->tables());
}

std::string EncodeEntry(const LostEntry& entry) {
  std::string out(1, kLost);
  Put(entry.sender, &out);
  base::PutVarint(&out, entry.lost.from_seq);
  base::PutVarint(&out, entry.lost.to_seq);
  base::PutString(&out, entry.lost.reason);
  return out;
}

std::string EncodeEntry(const ForgetEntry& entry) {
  std::string out(1, kForget);
  Put(entry.sender, &out);
  base::PutString(&out, entry.prefix);
  return out;
}

std::string EncodeEntry(const TickEntry& entry) {
  std::string out(1, kTick);
  Put(entry.sender, &out);
  base::PutVarint(&out, entry.jobs.size());
  for (const model::JobTime& job : entry.jobs) {
    base::PutString(&out, job.job);
    base::PutFixed64(&out, static_cast<uint64_t>(job.time));
  }
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
  switch (uint8_t kind = in.Byte()) {
    case kFrame:
      return DecodeFrameEntry(in);
    case kBatch:
      return DecodeBatchEntry(in);
    case kLost:
      return DecodeLostEntry(in);
    case kWatermarks:
      return DecodeWatermarks(in);
    case kForget:
      return DecodeForgetEntry(in);
    case kTick:
      return DecodeTickEntry(in);
    default:
      return base::Status::Corrupt("journal entry: unknown kind " + std::to_string(kind));
  }
}

}  // namespace rankscope::ingest
