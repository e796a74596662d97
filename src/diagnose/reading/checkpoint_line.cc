#include "diagnose/reading/checkpoint_line.h"

#include <re2/re2.h>

#include <cstdlib>

namespace rankscope::diagnose {

std::optional<CheckpointLine> ReadCheckpointLine(std::string_view text) {
  static const re2::RE2 kSaved(
      R"((?i)(?:saving model checkpoint to|saved? (?:model |the |full )?checkpoint (?:to|at|in)|checkpoint saved (?:to|at|in)|successfully saved checkpoint(?: from| at)?|saving checkpoint (?:to|at)|model saved to|saved checkpoint:?)\s+(\S+)(?:\s+(\d+))?)"),
      kStep(R"((?i)(?:checkpoint|step|iter(?:ation)?|global_step)[-_=/ ]?0*(\d+))");
  re2::StringPiece line(text.data(), text.size());
  std::string place, number, step;
  if (!re2::RE2::PartialMatch(line, kSaved, &place, &number)) return std::nullopt;
  CheckpointLine checkpoint{place + (number.empty() ? "" : " " + number), {}};
  if (re2::RE2::PartialMatch(checkpoint.place, kStep, &step) || re2::RE2::PartialMatch(line, kStep, &step)) {
    checkpoint.step = std::atoll(step.c_str());
  }
  return checkpoint;
}

}  // namespace rankscope::diagnose
