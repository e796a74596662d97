#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "diagnose/reading/reading.h"

namespace rankscope::diagnose {

// Which lines the training outlived. Refers to the reading. A question costs a few binary searches.
class Survival {
 public:
  explicit Survival(const Reading& reading);

  // Whether the training went on after the line, as far as its writer, or in want of one the job, shows.
  bool WentOnAfter(size_t line) const;
  // Whether anybody reported anything of the training after the line: enough for one that tells of a wait.
  bool WasReportedAfter(size_t line) const { return CountAfter(points_, line) > 0; }
  // Whether the only writer, which names no rank, reported a step after the line and no exception: enough for a line
  // that is none itself.
  bool TrainedOnAlone(size_t line) const;

 private:
  // When each step, however many ranks report it, was last reported. Of lines of two files, only those with times of
  // their own are known to follow each other.
  struct Marks {
    std::map<uint32_t, std::map<int64_t, size_t>> of_file;  // by file and step: its place in the order of time
    std::map<int64_t, base::TimeNs> timed;                  // by step
    // The same, sorted.
    std::map<uint32_t, std::vector<size_t>> places;
    std::vector<base::TimeNs> times;
  };
  void Add(size_t line, std::optional<int64_t> step, Marks* marks) const;
  static void Sort(Marks* marks);
  size_t CountAfter(const Marks& marks, size_t line) const;
  bool EndedBadly(size_t line) const;
  bool IsUncaught(size_t line) const;
  bool IsFollowedByBufferAlone(size_t line) const;
  bool EndedWellWithoutOrder(size_t line) const;

  const Reading& reading_;
  std::vector<std::optional<base::TimeNs>> not_after_;  // by line: the first time of their own from it on in its file
  Marks points_, finished_;
  std::map<int32_t, Marks> points_of_rank_;
  std::vector<size_t> bytes_after_;  // by line: in its file
  std::set<int32_t> ranks_;          // that speak, or whose end is told
  std::map<uint32_t, std::set<int32_t>> ranks_of_file_;
  bool somebody_died_ = false;            // as exits, or ranks that waited or saw one go, tell
  std::map<int32_t, int64_t> last_step_;  // of ranks
  std::set<int32_t> ended_badly_;         // ranks, as exits tell
  std::set<int32_t> may_have_raised_;     // of those: by an exit code, or SIGABRT
  std::optional<bool> only_signals_;      // all bad ends are by other signals; nothing: none is told
  size_t last_exception_ = 0;             // its place
};

}  // namespace rankscope::diagnose
