#pragma once

#include <string_view>

#include "model/record.h"

namespace rankscope::diagnose {

// The metrics of a line that is one JSON object, under their canonical names: a record without a message, a line of
// ms-swift's logging.jsonl. False: it is none, or a record of something else than the training (a host's sample, a
// batch).
bool ReadJsonMetrics(std::string_view line, model::Fields* fields);

}  // namespace rankscope::diagnose
