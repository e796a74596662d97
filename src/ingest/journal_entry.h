#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "model/record_sink.h"
#include "wire/frame.h"
#include "wire/ingest_service.h"

namespace rankscope::ingest {

// How far a producer's records are on disk, and which of its senders is the current one.
struct Watermark {
  uint32_t epoch = 0;
  uint64_t committed_seq = 0;
  bool operator==(const Watermark&) const = default;
};
using Watermarks = std::map<std::string, Watermark>;  // by producer

// Whose entry it is.
struct Sender {
  std::string producer;
  uint32_t epoch = 0;
  std::string project;
  base::TimeNs arrival = 0;
};

// Entries of the server's journal, each with its producer's watermark inside it: a frame, a batch, the word that some
// records never come, (before files are removed) the table of all watermarks, the word that producers begin anew, or a
// tick. There is no ledger beside the journal that could disagree with it.
struct FrameEntry {
  Sender sender;
  wire::Frame frame;

  uint64_t first_seq() const { return frame.first_seq; }
  uint64_t last_seq() const { return frame.last_seq(); }
};
// Records as the sinks share them, not compressed.
struct BatchEntry {
  Sender sender;
  uint64_t first = 0;  // their number; 0: no producer counts them
  std::shared_ptr<const model::RecordBatch> records;

  uint64_t first_seq() const { return first; }
  uint64_t last_seq() const { return first + records->size() - 1; }
};
struct LostEntry {
  Sender sender;
  wire::Lost lost;

  uint64_t first_seq() const { return lost.from_seq; }
  uint64_t last_seq() const { return lost.to_seq; }
};
// What the producers sent whose names begin with `prefix` was deleted: their next record is number 1 again.
struct ForgetEntry {
  Sender sender;  // no producer
  std::string prefix;
};
// Time has come so far, for jobs that say nothing.
struct TickEntry {
  Sender sender;  // no producer
  std::vector<model::JobTime> jobs;
};
using JournalEntry = std::variant<FrameEntry, BatchEntry, LostEntry, Watermarks, ForgetEntry, TickEntry>;

void Forget(const std::string& prefix, Watermarks* watermarks);

// The entry's bytes, but for those of its body, which follow.
std::string EncodeEntry(const FrameEntry& entry);
std::string EncodeEntry(const BatchEntry& entry);
std::string EncodeEntry(const LostEntry& entry);
std::string EncodeEntry(const Watermarks& watermarks);
std::string EncodeEntry(const ForgetEntry& entry);
std::string EncodeEntry(const TickEntry& entry);
// Where they lie already, so that megabytes are not copied.
inline std::string_view BodyOf(const FrameEntry& entry) { return entry.frame.payload; }
inline std::string_view BodyOf(const BatchEntry& entry) { return entry.records->records(); }
template <typename Other>
std::string_view BodyOf(const Other&) {
  return {};
}
base::Result<JournalEntry> DecodeEntry(std::string_view bytes);

}  // namespace rankscope::ingest
