#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "diagnose/reading/reading.h"

namespace rankscope::diagnose {

// What decides which rows Hugging Face's Trainer takes in a step, as it tells where it begins to train and as the job's
// arguments tell wherever they are printed or recorded.
struct SamplerSettings {
  int64_t rows = 0;                        // of the training set
  int64_t batch = 1, accumulation = 1;     // rows of a rank's micro batch; micro batches of a step
  int64_t world = 1;                       // ranks that take rows of their own
  int64_t epochs = 1, total_steps = 1;     // of the whole training
  std::optional<int64_t> steps_per_epoch;  // only recent releases tell it
  int64_t seed = 42;                       // of the order of the first epoch
  bool is_default_seed = false;            // nothing tells one, so that it is the Trainer's own
  size_t line = 0;                         // where the training begins
};

// Of the last training. Nothing: it is not told in full, by another loop than the Trainer's, contradicts itself, or its
// arguments say that rows are not taken in a random order that the seed alone decides.
std::optional<SamplerSettings> ReadSamplerSettings(const Reading& reading);

}  // namespace rankscope::diagnose
