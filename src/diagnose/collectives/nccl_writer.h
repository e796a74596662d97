#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "diagnose/reading/reading.h"

namespace rankscope::diagnose {

// The rank of the process that wrote a line of NCCL's own, "host:4711:4790 [3] NCCL WARN ...": by its communicator's
// line ("comm 0x... rank 11 nranks 16"), else by its device where all that NCCL says comes from one host. Linear in the
// lines.
std::optional<int32_t> RankOfNcclLine(const Reading& reading, size_t line);

}  // namespace rankscope::diagnose
