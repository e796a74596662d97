#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// Memory of GPUs that ran out, and that the training outlived: a batch skipped, a smaller one tried.
struct OutlivedMemory {
  std::string summary;               // "rank 3 ran out of GPU memory after step 211 and went on"; empty: none did
  std::vector<std::string> figures;  // who, when, for how much
  std::vector<std::string> trace;    // of the last one: its report, the batch, how memory went before it and after
  std::vector<size_t> lines;         // that tell it, of each rank the first and the last
  std::string_view advice;           // empty: the figures ask for none
};
OutlivedMemory FindOutlivedMemory(const Reading& reading);

}  // namespace rankscope::diagnose
