#pragma once

#include <cstdint>

#include "wire/frame.h"

namespace rankscope::wire {

// What the server does with records `first` to `last` (a frame, or lost ones) of a producer of whom it holds those up
// to `committed_seq`. Pure.
enum class Admission {
  kAppend,     // the next one
  kDuplicate,  // held already: acknowledge again
  kGap,        // something is missing or overlaps: the agent must go back to committed_seq + 1
};
Admission Admit(uint64_t committed_seq, uint64_t first, uint64_t last);

// What an agent does on Welcome.
enum class Resumption {
  kSend,        // from committed_seq + 1 on
  kRegressed,   // as kSend, and the server holds less than was once acknowledged: say so
  kNewProducer  // the server holds records that this spool never made (the spool was restored or lost its tail):
                // its numbers must not be used again
};
Resumption Resume(uint64_t committed_seq, uint64_t acked_seq, uint64_t next_seq);

}  // namespace rankscope::wire
