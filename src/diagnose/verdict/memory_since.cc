#include "diagnose/verdict/memory_since.h"

#include <algorithm>
#include <optional>
#include <string>

#include "diagnose/suspects/memory_trend.h"

namespace rankscope::diagnose {

void TellMemorySince(const std::vector<Attempt>& attempts, const std::vector<Verdict>& verdicts, Verdict* story) {
  const auto last = std::find_if(verdicts.rbegin(), verdicts.rend(),
                                 [](const Verdict& verdict) { return verdict.failure == "cuda_oom"; });
  if (last == verdicts.rend() || last == verdicts.rbegin()) return;
  const auto rank = last->culprits.empty() ? std::nullopt : std::optional(last->culprits.front());
  const Attempt& now = attempts.back();
  const std::string when = "in attempt " + std::to_string(now.number) + " after it";
  for (std::string& figure : MemoryOf(Understand(now.read), rank, when)) story->figures.push_back(std::move(figure));
}

}  // namespace rankscope::diagnose
