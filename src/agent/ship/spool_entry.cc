#include "agent/ship/spool_entry.h"

#include <algorithm>
#include <variant>

#include "base/coding.h"
#include "model/event.h"

namespace rankscope::agent {
namespace {

constexpr size_t kMostFrameBytes = 1 << 20;  // raw, and a last record of at most as much

bool IsPrintedText(const model::Record& record) {
  if (record.stream != model::Stream::kStdout) return false;
  return std::none_of(record.fields.begin(), record.fields.end(),
                      [](const auto& field) { return model::AsNumber(field.second).has_value(); });
}

model::Record DroppedEvent(const model::Record& first, size_t count, size_t bytes) {
  model::Record event =
      model::MakeEvent("spool_dropped", first.time,
                       "rankscope: the spool was full: " + std::to_string(count) + " printed lines were not kept");
  event.origin = first.origin;
  event.origin.rank.reset();
  event.origin.local_rank.reset();
  event.seq = first.seq;
  event.level = "warning";
  event.fields.emplace_back("dropped_records", static_cast<int64_t>(count));
  event.fields.emplace_back("dropped_bytes", static_cast<int64_t>(bytes));
  return event;
}

}  // namespace

std::string EncodeSpoolEntry(const SpoolEntry& entry) {
  std::string out;
  base::PutVarint(&out, entry.positions.size());
  for (const auto& [source, position] : entry.positions) {
    base::PutString(&out, source);
    base::PutVarint(&out, position);
  }
  base::PutVarint(&out, entry.frames.size());
  for (const wire::Frame& frame : entry.frames) {
    std::string bytes;
    wire::EncodeFrame(frame, &bytes);
    base::PutString(&out, bytes);
  }
  return out;
}

base::Result<SpoolEntry> DecodeSpoolEntry(std::string_view bytes) {
  base::ByteReader in(bytes);
  SpoolEntry entry;
  for (uint64_t count = in.Varint(); count > 0 && in.ok(); --count) {
    std::string source(in.String());
    entry.positions[source] = in.Varint();
  }
  for (uint64_t count = in.Varint(); count > 0 && in.ok(); --count) {
    ASSIGN_OR_RETURN(wire::Frame frame, wire::DecodeFrame(in.String()));
    entry.frames.push_back(std::move(frame));
  }
  if (!in.ok() || !in.empty() || entry.frames.empty()) return base::Status::Corrupt("spool entry: malformed");
  return entry;
}

std::vector<wire::Frame> MakeFrames(const std::vector<model::Record>& records) {
  std::vector<wire::Frame> frames;
  std::vector<model::Record> part;
  size_t bytes = 0;
  for (const model::Record& record : records) {
    size_t more = model::EncodedBytes(record);
    if (!part.empty() && bytes + more > kMostFrameBytes) {
      frames.push_back(wire::MakeFrame(part));
      part.clear();
      bytes = 0;
    }
    part.push_back(record);
    bytes += more;
  }
  frames.push_back(wire::MakeFrame(part));
  return frames;
}

base::Result<wire::Frame> WithoutPrintedText(const wire::Frame& frame) {
  ASSIGN_OR_RETURN(auto batch, wire::OpenFrame(frame, ""));
  std::vector<model::Record> records = batch->ToRecords();
  std::vector<model::Record> kept;
  size_t dropped = 0, dropped_bytes = 0, marker = 0;
  for (model::Record& record : records) {
    if (!IsPrintedText(record)) {
      kept.push_back(std::move(record));
      continue;
    }
    if (dropped++ == 0) {
      marker = kept.size();
      kept.push_back(DroppedEvent(record, 0, 0));
    }
    dropped_bytes += record.text.size();
  }
  if (dropped == 0) return frame;
  kept[marker] = DroppedEvent(kept[marker], dropped, dropped_bytes);
  return wire::MakeFrame(kept, frame.first_seq, frame.last_seq());
}

}  // namespace rankscope::agent
