#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// gloo's all-reduce goes around a ring: a rank receives from the next and sends to the one before (gloo/allreduce.cc).
// So where ranks failed in one, their words tell for whom each waited: who could not send waited for the one before,
// and who saw a peer go for one of its two neighbours.
bool AreOfAllReduce(std::string_view frames);  // of the gradients' reduction, or called by the program

struct RingGap {
  std::optional<int32_t> rank;  // a rank of `known` that does not complain itself; none: the words fit several, or none
  std::string why;
};
RingGap FindRingGap(const Reading& reading, const std::vector<Suspect>& suspects, const std::set<int32_t>& known);

}  // namespace rankscope::diagnose
