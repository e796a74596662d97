#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "diagnose/knowledge/job_facts.h"

namespace rankscope::diagnose {

// Whether what broke an old job is gone in a new one.
struct FixCheck {
  enum class State : uint8_t { kGone, kBack, kNotReached };
  State state = State::kNotReached;
  std::string failure;                // the old job's class
  std::optional<int64_t> failed_at;   // the old job's step
  std::optional<int64_t> reached;     // the new one's
  std::string_view unit;              // of the speeds: "tokens/s" of a rank, or "steps/s" where not both tell tokens
  std::optional<double> usual, last;  // the old job's: early, and at its end
  std::optional<double> now;          // the new one's, where it has come past the old one's failure, else over all
  std::string why;                    // one sentence
};

std::string_view NameOf(FixCheck::State state);  // gone, back, not_reached

// `now` may still run. kBack: it failed the same way, or is as slow as the old one was at its end. kGone: it ended
// well and not before the step where the old one failed, or came a tenth further than the step where the old one failed
// and, if that was slow, is as fast as it once was.
FixCheck CheckFix(const JobFacts& old, const JobFacts& now);
std::string ToJson(const FixCheck& check);

}  // namespace rankscope::diagnose
