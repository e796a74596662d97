#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/record.h"

namespace rankscope::model {

// Appends the binary form of the records to `out`: what frames carry and segments hold.
// Format (docs/design/wire.md): version byte, origin table, then the records with
// times and sequence numbers as deltas.
void EncodeRecords(const std::vector<Record>& records, std::string* out);

// The inverse. kCorrupt when the bytes are not such a batch; never reads past them.
base::Result<std::vector<Record>> DecodeRecords(std::string_view bytes);

}  // namespace rankscope::model
