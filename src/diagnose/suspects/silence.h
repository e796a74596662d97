#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// The kind of a hang that only the times of the reports tell.
inline constexpr std::string_view kSilence = "silence";

// A training that made no step any more when somebody ended it.
struct Silence {
  size_t last = 0;  // the last line that tells of the training's course
  size_t end = 0;   // the first that speaks of the signal
  std::string why;  // with its figures
};

// Where nothing is heard of the training for a minute and ten times as long as usual between its reports (half an hour
// after a checkpoint began; 20 s where that is 200 times as long), before a signal came from outside. Lines without a
// time of their own tell nothing.
std::optional<Silence> FindSilence(const Reading& reading, const std::vector<Suspect>& suspects);

// Who ends a job that hangs is not why it failed: the signals become cascade. Unless something had gone wrong before,
// so does all that follows them, and the hang is a suspect.
void ExplainSignalsBySilence(const Reading& reading, std::vector<Suspect>* suspects);

// The frame that a handler of signals interrupted, which then raised or issued what the traceback ends in: Lightning's
// tells the other ranks of the signal by a broadcast. None: no handler is in these frames.
std::optional<std::string_view> FrameOfInterruption(std::string_view frames);

// Of ranks that hung, those that the signal found in Python's hands outside of any collective, where most of the others
// waited in one or did not come back from it. Empty: it does not tell them apart.
struct Interrupted {
  std::vector<int32_t> ranks;
  std::string why;
};
Interrupted FindInterrupted(const Reading& reading);

}  // namespace rankscope::diagnose
