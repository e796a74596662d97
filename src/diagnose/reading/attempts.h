#pragma once

#include <vector>

#include "diagnose/case/case.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {

// One launch of the ranks of an elastic job. Its lines' text lives in the case that it was taken from.
struct Attempt {
  int32_t number = 0;
  Case read;
  std::vector<size_t> lines;  // index in the whole case, of each of its lines
};

// The attempts of a case, in order: by the paths of files and by records; what belongs to no attempt (the launcher's
// log) by its own words of restarts, else to the last. Empty: there is one only. `whole` must outlive them.
std::vector<Attempt> SplitAttempts(const Case& whole);

// Whether the ranks of an attempt before all of which there are lines left files, and not a word in any of them.
bool LeftNoWordBefore(const Case& whole);

// Whether the attempt made steps, and nothing tells how it ended.
bool StopsShort(const Verdict& verdict);

// What it died of, but for numbers: times, sizes, addresses.
std::string Gist(const Verdict& verdict);

// In a few words, how it ended.
std::string Outcome(const Verdict& verdict);

// Whether there are files of ranks that do not tell which of their lines are of which attempt: each may hold all of
// them, so that a failure is judged by the whole case.
bool MixesAttempts(const Case& whole);

// Of the verdicts of the attempts, in their order, the one that tells the job's story: the last if it ended well, or if
// it has trained and nothing failed since the launch that begins with attempt `last_launch`; else the last that failed,
// and not only to come together again. It names the other attempts.
Verdict StoryOf(const std::vector<Attempt>& attempts, const std::vector<Verdict>& verdicts, int32_t last_launch);

}  // namespace rankscope::diagnose
