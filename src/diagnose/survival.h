#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "diagnose/reading.h"

namespace rankscope::diagnose {

// Which lines the training outlived. Refers to the reading. A question costs a few binary searches.
class Survival {
 public:
  explicit Survival(const Reading& reading);

  // Whether the training went on after the line, as far as its writer, or in want of one the job, shows.
  bool WentOnAfter(size_t line) const;
  // Whether the only writer, which names no rank, reported a step after the line and no exception: enough for a line
  // that is none itself.
  bool TrainedOnAlone(size_t line) const;

 private:
  // Places in the order of time. Of lines of two files, only those with times are known to follow each other.
  struct Marks {
    std::vector<size_t> timed;
    std::map<uint32_t, std::vector<size_t>> of_file, timed_of_file;
  };
  void Add(size_t line, Marks* marks) const;
  static void Sort(Marks* marks);
  size_t CountAfter(const Marks& marks, size_t line) const;
  bool EndedBadly(size_t line) const;

  const Reading& reading_;
  Marks points_, finished_;
  std::map<int32_t, Marks> points_of_rank_;
  std::set<int32_t> ended_badly_;  // ranks, as exits tell
  size_t last_exception_ = 0;      // its place
};

}  // namespace rankscope::diagnose
