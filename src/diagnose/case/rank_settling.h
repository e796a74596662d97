#pragma once

#include <vector>

#include "diagnose/case/case.h"
#include "diagnose/case/file_lines.h"

namespace rankscope::diagnose {

// What was read of one file, and where.
struct ReadFile {
  CaseFile file;
  FileLines kept;
};

// Settles whose each line is, from what files' places, their names in a row, and their lines' prefixes tell together:
// - Files whose names differ in one number, 0 to n-1, are of these ranks; of these nodes where launchers speak in them.
// - A node's local rank is the rank where a line tells both, where the nodes are 0 to n-1 and have the same local
//   ranks, or where there is one node; otherwise the rank stays unknown.
// - A node's number is the rank where each has one process (lone_processes.h).
// - Files of nodes that count their ranks from 0 each are told apart (node_files.h).
// Sets the files' places and what the lines' and writers' prefixes left open. Gives the nodes that were told apart.
std::vector<CaseNode> SettleRanks(std::vector<ReadFile>* files, std::vector<ErrorFile>* error_files);

}  // namespace rankscope::diagnose
