#pragma once

#include <cstdint>
#include <vector>

#include "diagnose/reading/sampler_settings.h"
#include "diagnose/suspects/memory_trace.h"
#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// The rows that the rank takes in the step (from 1), in their order over all its micro batches: the Trainer's, whose
// sampler Accelerate has made one that is seeded anew for each epoch, and dealt out batch by batch. Empty: the counts
// contradict each other, what came before the step depends on the release, or they are too many to be worked out.
std::vector<int64_t> RowsOfStep(const SamplerSettings& settings, int64_t rank, int64_t step);

// Where no record names the batch that memory did not suffice for: a figure with its rows, or what would settle them
// where only one thing is missing. Says nothing if it was not the Trainer that trained, or not in training.
void TellSampledRows(const Reading& reading, const Suspect& cause, MemoryTrace* trace);

}  // namespace rankscope::diagnose
