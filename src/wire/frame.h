#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/record_batch.h"

namespace rankscope::wire {

// Larger payloads, raw or compressed, are refused before anything is allocated for them.
constexpr uint32_t kMaxFrameBytes = 8 << 20;

// Records on their way, compressed once by the agent and kept as they are in the spool, on the wire and in the
// server's journal. Format: docs/design/wire.md.
struct Frame {
  uint64_t first_seq = 0;  // 0: the records carry their own numbers, or none
  uint32_t count = 0;      // of sequence numbers, else of records
  uint32_t raw_bytes = 0;
  uint64_t checksum = 0;        // XXH3 of payload
  int64_t clock_offset_ns = 0;  // the server's clock less the agent's: added to the records' times by OpenFrame
  std::string payload;          // one zstd or LZ4 frame of model::EncodeRecords

  uint64_t last_seq() const { return first_seq + count - 1; }
};

// What a frame takes in memory with its records opened: a record is a few times as large as its bytes.
inline size_t FrameMemory(const Frame& frame) { return frame.payload.size() + 4 * size_t{frame.raw_bytes}; }

// REQUIRES records not empty, their seq rising.
Frame MakeFrame(const std::vector<model::Record>& records);
// Stands for all numbers from first to last, of which some records are left out: an event among those kept says so.
Frame MakeFrame(const std::vector<model::Record>& records, uint64_t first_seq, uint64_t last_seq);
// Of a batch's bytes, by LZ4, for a journal that keeps them until they are sealed: `count` numbers from first_seq on;
// first_seq 0: `count` records.
Frame MakeQuickFrame(std::string_view batch, size_t count, uint64_t first_seq);

// kCorrupt when checksum, sizes or contents do not agree; never allocates more than kMaxFrameBytes for the raw bytes.
base::Status CheckFrame(const Frame& frame);
// The records, with the frame's clock offset; `project`, if not empty, is of each of them.
base::Result<std::shared_ptr<const model::RecordBatch>> OpenFrame(const Frame& frame, const std::string& project);

// The byte form in spool and journal.
void EncodeFrame(const Frame& frame, std::string* out);
void EncodeFrameHead(const Frame& frame, std::string* out);  // all but the bytes of the payload, which follow
base::Result<Frame> DecodeFrame(std::string_view bytes);

}  // namespace rankscope::wire
