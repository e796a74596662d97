#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "detect/rules/pattern_set.h"
#include "diagnose/case/case.h"
#include "diagnose/case/chunk_scanner.h"
#include "diagnose/case/rank_settling.h"

namespace rankscope::diagnose {

// Makes a case of records in their JSON form, as the query door gives them for a stored job. Each of its files has a
// line's number for each record. All are kept while they are few, then those that ReadCase would. Thread-compatible.
class RecordCase {
 public:
  // `name` stands for the first file's path: "job j-17". `telling`, compiled, outlives it.
  RecordCase(std::string name, const detect::PatternSet& telling);

  // What is added from now on is of another file, of what lay around the job: its lines are of every attempt.
  void BeginSurroundings(std::string name);
  // In the order of their time. One JSON object, without line end.
  void Add(std::string_view record);
  // What was added; REQUIRES that nothing is added any more.
  Case End();

 private:
  void BeginFile(std::string name);
  void ScanWaiting();

  ScanRules rules_;
  ChunkScanner scanner_;
  std::vector<ReadFile> files_;
  std::string waiting_;
};

}  // namespace rankscope::diagnose
