#pragma once

#include <cstddef>
#include <string>

#include "diagnose/reading/reading.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {

// "node 1 (gpu-023)"; without the name where the files tell none.
std::string NodeWords(const Case& read, int32_t node_rank);

// Where a culprit stands of whose nodes each counts its ranks from 0: "rank 11 is local rank 3 of node 1 (node-b)", and
// what is not known of that. `root`: the line that tells of the failure. Empty: there are no such nodes.
std::string PlaceOfCulprit(const Reading& reading, size_t root, const Verdict& verdict);

}  // namespace rankscope::diagnose
