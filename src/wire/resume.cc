#include "wire/resume.h"

namespace rankscope::wire {

Admission Admit(uint64_t committed_seq, uint64_t first, uint64_t last) {
  if (first == committed_seq + 1) return Admission::kAppend;
  return last <= committed_seq ? Admission::kDuplicate : Admission::kGap;
}

Resumption Resume(uint64_t committed_seq, uint64_t acked_seq, uint64_t next_seq) {
  if (committed_seq >= next_seq) return Resumption::kNewProducer;
  return committed_seq < acked_seq ? Resumption::kRegressed : Resumption::kSend;
}

}  // namespace rankscope::wire
