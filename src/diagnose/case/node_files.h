#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "diagnose/case/rank_settling.h"

namespace rankscope::diagnose {

struct NodeFiles {
  std::vector<CaseNode> nodes;    // empty: there are none such
  std::optional<int32_t> locals;  // how many ranks each has, where launchers tell it
};

// What the launcher's report says a failed rank is more than its local rank: "rank      : 3 (local_rank: 1)".
std::optional<int32_t> ReportedOffset(std::string_view text);

// Files of several nodes, each of which counts its ranks from 0: names that differ in one place ("node-a.log",
// "node-b.log"; folders "gpu-017", "gpu-023"), the same numbers in them, written at the same time. Sets the files' node
// ranks, as their launchers tell them, else in the order of the names, in which torchelastic and Slurm count nodes, and
// takes for local ranks what each of them counts anew.
NodeFiles PlaceNodeFiles(std::vector<ReadFile>* files, std::vector<ErrorFile>* error_files);

}  // namespace rankscope::diagnose
