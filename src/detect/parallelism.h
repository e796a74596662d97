#pragma once

#include <cstdint>

#include "model/record_view.h"

namespace rankscope::detect {

// How a run spreads the model over its ranks, as its description tells: tensor parallelism innermost, pipeline stages
// outermost (Megatron-LM's order and torchtitan's).
struct Parallelism {
  int64_t tensor = 1, context = 1, stages = 1;

  // Takes what an event says of it; whatever it does not say stays.
  void Take(const model::RecordView& event);
  // Ranks of one group compute the same on other data. `world` is how many ranks there are.
  int64_t GroupOf(int64_t rank, int64_t world) const;
};

}  // namespace rankscope::detect
