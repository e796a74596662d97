#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "wire/frame.h"

namespace rankscope::agent {

// How far the agent has read each of its sources when a frame was made: channel or ring name → bytes or records.
// It travels inside the frame's spool entry, so that an agent that was killed goes on exactly where its last durable
// frame ended: from source to spool, too, each record is taken once.
using SourcePositions = std::map<std::string, uint64_t>;

// What one entry of the spool's journals holds: what was read at once, as frames that each are small enough to send.
struct SpoolEntry {
  SourcePositions positions;
  std::vector<wire::Frame> frames;  // never empty, each going on where the one before ends

  uint64_t first_seq() const { return frames.front().first_seq; }
  uint64_t last_seq() const { return frames.back().last_seq(); }
};
std::string EncodeSpoolEntry(const SpoolEntry& entry);
base::Result<SpoolEntry> DecodeSpoolEntry(std::string_view bytes);

// Frames of at most about a megabyte. REQUIRES records not empty, their seq dense.
std::vector<wire::Frame> MakeFrames(const std::vector<model::Record>& records);

// The same frame without what can be spared when there is no room for all: the text that ranks print on stdout, unless
// it carries numbers. An event in the place of the first record left out says how many were. Numbers of the records
// that stay, and the frame's range, are as before. The frame itself where nothing can be spared.
base::Result<wire::Frame> WithoutPrintedText(const wire::Frame& frame);

}  // namespace rankscope::agent
