#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rankscope::diagnose {

// Why a line is kept where not all are.
enum Reason : uint8_t {
  kEvery = 1,       // there are few enough to keep all
  kFirst = 2,       // of its writer
  kLast = 4,        // of its writer
  kTelling = 8,     // it matches what the caller asked for, or begins a traceback
  kSample = 16,     // of the lines of its shape
  kNonFinite = 32,  // it holds nan or inf
  kContext = 64,    // around a telling line, or of its traceback
  kReport = 128,    // of a series: the figures of a rank, of a port, …
};

// A line that may be kept.
struct Choice {
  uint64_t number = 0;  // of the line
  uint64_t anchor = 0;  // kContext: the number of the telling line that it belongs to
  uint32_t writer = 0;
  uint32_t told = 0;          // kTelling: the same for lines that match the same
  uint32_t shape = 0;         // kSample
  uint64_t series = 0;        // kReport: of its writer
  uint64_t place = 0;         // kReport: in its series, from 0, whatever was dropped of that
  uint8_t reasons = 0;        // of Reason; 0: dropped
  bool many_writers = false;  // whose line it is is not known, so it may be of any rank
};

// Takes away reasons, so that of each writer's lines that say the same the first and the last are kept, of each shape
// some spread over all; lines are in their order. For each reason some 32,000 lines of all `files` together stay, and
// 256 of one: where there are more writers, things said or shapes, fewer of each, at last one of its beginning and one
// of its end; of shapes those of few lines go. What is taken from one half of a file and from the other may be thinned
// again together. O(n log n).
void ThinChoices(size_t files, std::vector<Choice>* choices);

// Takes kReport away, and kEvery with it, so that of each series some stay at even distances, and its last ones.
// The more series there are, of all `files` together, the fewer of each. O(n).
void ThinReports(size_t files, std::vector<Choice>* choices);

constexpr uint64_t kFirstOfWriter = 20;
constexpr uint64_t kLastOfWriter = 40;

}  // namespace rankscope::diagnose
