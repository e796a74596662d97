#pragma once

#include <string>
#include <vector>

#include "diagnose/suspects/memory_trace.h"
#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// The batch in flight from the lines around the failure: its samples, its sizes against those printed before in the
// same words. Sets the kind where they tell it. Whether it names samples.
bool JudgePrintedBatch(const Reading& reading, const Suspect& cause, MemoryTrace* trace);
// The file named beside it.
void NameFile(const Reading& reading, const Suspect& cause, MemoryTrace* trace);

// A sample so many times the usual is to blame; a batch so many times the usual is.
constexpr double kExtreme = 4, kLarger = 1.5;
constexpr char kExtremeSample[] = "one extreme sample", kLargeBatch[] = "batch size too large";

// "a, b, … (24)".
std::string NamesOf(const std::vector<std::string>& ids);

}  // namespace rankscope::diagnose
