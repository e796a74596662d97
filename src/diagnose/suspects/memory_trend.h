#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "diagnose/suspects/memory_trace.h"
#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// How the memory went before there was none left, of this rank and of its peers, as far as reports tell it (in GiB,
// else in percent of the device): adds the figures, and `leak` where it rose until the end and nothing else explains
// it.
void JudgeTrend(const Reading& reading, const Suspect& cause, MemoryTrace* trace);

// How it went after that line, as far as the rank or its peers went on; sentences.
std::vector<std::string> MemoryAfter(const Reading& reading, const Suspect& cause);

// How it went in all of the reading, as of a launch that followed: `when` begins the sentences.
std::vector<std::string> MemoryOf(const Reading& reading, std::optional<int32_t> rank, const std::string& when);

}  // namespace rankscope::diagnose
