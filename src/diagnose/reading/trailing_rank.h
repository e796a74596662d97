#pragma once

#include "diagnose/reading/reading.h"

namespace rankscope::diagnose {

// Rust's tracing writes a message, of many lines where it quotes a process's output, and then its fields: a line
// "rank=1" is of all above it, up to the line that begins with a time and a level. Text-generation-inference tells so
// of its shards. Lines whose rank is known keep it.
void NameLinesByTrailingRank(Reading* reading);

}  // namespace rankscope::diagnose
