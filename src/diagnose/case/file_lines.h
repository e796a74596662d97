#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "diagnose/case/chunk_scanner.h"

namespace rankscope::diagnose {

// The kept lines of one file, from its chunks. Bounded where these are thinned: half as many lines again as ThinChoices
// and ThinReports leave, and some tens of thousands. Thread-compatible.
class FileLines {
 public:
  explicit FileLines(size_t files = 1) : files_(files) {}  // of how many this is one
  FileLines(FileLines&&) = default;                        // a copy's lines would point into the other's text
  FileLines& operator=(FileLines&&) = default;

  // In the file's order.
  void Add(Chunk chunk);
  // After the last one.
  void End();

  std::vector<Line> lines;
  std::vector<uint32_t> writer_of;  // of each line, into `writers`
  std::vector<Chunk::WriterLines> writers;
  std::deque<std::string> text;
  uint64_t lines_read = 0, bytes_read = 0;

 private:
  std::vector<uint32_t> TakeWriters(const Chunk& chunk);
  void PlaceReport(Choice* choice);
  void Thin();
  void Compact();

  size_t files_;
  std::vector<Choice> choices_;
  std::unordered_map<WriterName, uint32_t, WriterNameHash> numbers_;
  std::map<std::pair<uint32_t, uint64_t>, uint64_t> reports_;  // how many came, by writer and series
  std::optional<base::TimeNs> time_;
  bool gap_ = false, open_end_ = false, thinned_ = false;
  size_t thin_at_ = 50'000;
};

}  // namespace rankscope::diagnose
