#pragma once

#include <optional>
#include <string>
#include <vector>

#include "diagnose/collectives/collectives.h"
#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// Which ranks are to blame, and how sure that is.
struct Blame {
  std::vector<int32_t> ranks;  // most certain first; empty: nobody can be named
  std::string why;
  std::vector<std::string> would_settle;  // what to look at where nobody can be named, or another as well
  double confidence = 1;                  // that it is the first of them, where it is that which is in doubt
  bool in_order = true;                   // as they failed; false: each did, and nothing tells which was the first
};

// Each of these as likely as the others, which are few.
Blame OneOf(std::vector<int32_t> ranks, std::string why, std::vector<std::string> would_settle);

// In the order of proof: the rank whose own words the cause is; the rank named in them; the process that the launcher
// saw die of it; of victims' words, the rank they wait for: the odd one, the one behind, the silent one.
Blame FindBlame(const Reading& reading, const Suspect& cause, const std::vector<Suspect>& suspects,
                const Collectives& collectives);

// Whether a class tells of waiting for others, so that who reports it is a victim.
bool IsVictimsWord(const Suspect& suspect);

}  // namespace rankscope::diagnose
