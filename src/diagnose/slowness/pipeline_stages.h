#pragma once

#include <cstdint>

#include "diagnose/reading/reading.h"

namespace rankscope::diagnose {

// How many stages of a pipeline share the model, as the run says: an argument of Megatron-LM, NeMo, torchtitan or
// ms-swift wherever it stands, or DeepSpeed's report of each rank's layers. 1: nothing says that it has several.
int64_t CountPipelineStages(const Reading& reading);

}  // namespace rankscope::diagnose
