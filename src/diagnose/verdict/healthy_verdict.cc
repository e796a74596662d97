#include "diagnose/verdict/healthy_verdict.h"

#include <algorithm>
#include <set>
#include <utility>

#include "diagnose/suspects/outlived_memory.h"
#include "diagnose/verdict/quote.h"

namespace rankscope::diagnose {
namespace {

// Every process whose end is told ended with 0.
bool AllExitedWell(const Reading& reading) {
  return !reading.exits.empty() && std::all_of(reading.exits.begin(), reading.exits.end(),
                                               [](const Exit& exit) { return exit.code == 0 && !exit.signal; });
}

void TellOutlivedMemory(const Reading& reading, Verdict* verdict) {
  OutlivedMemory outlived = FindOutlivedMemory(reading);
  if (outlived.summary.empty()) return;
  verdict->summary += "; " + outlived.summary;
  verdict->figures = std::move(outlived.figures);
  verdict->figures.insert(verdict->figures.end(), outlived.trace.begin(), outlived.trace.end());
  for (size_t line : std::set<size_t>(outlived.lines.begin(), outlived.lines.end()))
    verdict->evidence.push_back(EvidenceOf(reading, line, "context"));
  if (!outlived.advice.empty()) verdict->advice.push_back({std::string(outlived.advice), "docs/failures/cuda_oom.md"});
}

}  // namespace

Verdict HealthyVerdict(const Reading& reading) {
  Verdict verdict;
  const bool ended_well = !reading.finished.empty() || AllExitedWell(reading);
  verdict.confidence = ended_well ? 0.95 : !reading.points.empty() ? 0.85 : 0.6;
  verdict.summary = ended_well ? "it ended well" : "nothing is wrong as far as these logs go";
  TellOutlivedMemory(reading, &verdict);
  return verdict;
}

}  // namespace rankscope::diagnose
