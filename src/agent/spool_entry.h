#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/status.h"
#include "wire/frame.h"

namespace rankscope::agent {

// How far the agent has read each of its sources when a frame was made: channel or ring name → bytes or records.
// It travels inside the frame's spool entry, so that an agent that was killed goes on exactly where its last durable
// frame ended: from source to spool, too, each record is taken once.
using SourcePositions = std::map<std::string, uint64_t>;

// What one entry of the spool's journals holds.
struct SpoolEntry {
  SourcePositions positions;
  wire::Frame frame;
};
std::string EncodeSpoolEntry(const SourcePositions& positions, const wire::Frame& frame);
base::Result<SpoolEntry> DecodeSpoolEntry(std::string_view bytes);

// The same frame without what can be spared when there is no room for all: the text that ranks print on stdout, unless
// it carries numbers. An event in the place of the first record left out says how many were. Numbers of the records
// that stay, and the frame's range, are as before. The frame itself where nothing can be spared.
base::Result<wire::Frame> WithoutPrintedText(const wire::Frame& frame);

}  // namespace rankscope::agent
