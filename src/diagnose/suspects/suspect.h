#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "diagnose/reading/reading.h"

namespace rankscope::diagnose {

// The subclass of a wait for a rank that left a collective out; those who wait say it.
inline constexpr std::string_view kSkippedCollective = "skipped collective";

// A line, or a course of the metrics, that may be where the failure began.
struct Suspect {
  size_t line = 0;
  std::string_view failure, kind;
  Role role = Role::kCause;
  int score = 0;  // a signature's weight, less what speaks against it
  std::optional<int32_t> rank;
  size_t traceback = Traceback::kNone;
  std::string why;  // of a course: the figures
};

// Those among the sightings that the training did not outlive, by line.
std::vector<Suspect> FindSuspects(const Reading& reading);

// Whether `other` was written after `line`: of lines of two files, only where both have times.
bool IsKnownToFollow(const Reading& reading, size_t other, size_t line);

// Whether it tells of a signal that a person, somebody on their behalf or a launcher sent; a scheduler that gives a
// reason has its own.
bool IsSignal(const Suspect& suspect);

// Who comes first of suspects that say alike: less is earlier. Numbers that are lost spread from rank to rank by the
// step after, so that of those the step counts before the time.
std::pair<int64_t, size_t> OrderOf(const Reading& reading, const Suspect& suspect);

// Whether the launcher itself ended ranks after one had failed: with SIGTERM, and by force those that did not heed it.
struct LauncherEnded {
  bool by_sigterm = false, by_sigkill = false;
};
LauncherEnded EndedByLauncher(const Reading& reading);

// The first line of an end that a launcher, a scheduler or a shell reports; none: none does.
std::optional<size_t> ReportedEnd(const Reading& reading);

}  // namespace rankscope::diagnose
