#include "diagnose/reading/checkpoint_line.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>

namespace rankscope::diagnose {
namespace {

// None is there, none comes about, or one is to come.
bool SaysThereIsNone(re2::StringPiece line) {
  static const re2::RE2 kNone(
      R"((?i)\b(?:no|not|won't|will|would|unable|cannot|(?:fail|error)\w*)\b[^.:,]{0,40}\bsav(?:e|ed|ing)\b|\bevery\b)");
  return re2::RE2::PartialMatch(line, kNone);
}

// Not "found" nor "True".
bool IsPlace(const std::string& place) {
  static const re2::RE2 kPlace(R"([\d/\\_-]|\w\.\w)");
  return re2::RE2::PartialMatch(place, kPlace);
}

// Few lines are, and to search is cheap.
bool MayBeOne(std::string_view text) {
  constexpr std::string_view kWords[] = {"heckpoint", "CHECKPOINT", "odel saved to", "current state to"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

}  // namespace

std::optional<CheckpointLine> ReadCheckpointLine(std::string_view text) {
  static const re2::RE2 kSaved(
      R"((?i)(?:saved (?:model |the |full )?checkpoint(?: to| at| in| from|:)?|checkpoint saved (?:to|at|in)|model saved to)\s+(\S+)(?:\s+(\d+))?)"),
      kReady(R"((?i)\bcheckpoint (\S+) is ready)"),
      kBegun(
          R"((?i)(?:sav(?:e|ing) (?:model |the |full )?checkpoint(?: to| at| in|:)|saving current state to)\s+(\S+)(?:\s+(\d+))?)"),
      kStep(R"((?i)(?:checkpoint|step|iter(?:ation)?|global_step)[-_=/ ]?0*(\d+))");
  if (!MayBeOne(text)) return std::nullopt;
  re2::StringPiece line(text.data(), text.size());
  std::string place, number, step;
  const bool saved =
      re2::RE2::PartialMatch(line, kSaved, &place, &number) || re2::RE2::PartialMatch(line, kReady, &place);
  if (!saved && !re2::RE2::PartialMatch(line, kBegun, &place, &number)) return std::nullopt;
  if (SaysThereIsNone(line) || !IsPlace(place + number)) return std::nullopt;
  CheckpointLine checkpoint{place + (number.empty() ? "" : " " + number), {}, saved};
  if (re2::RE2::PartialMatch(checkpoint.place, kStep, &step) || re2::RE2::PartialMatch(line, kStep, &step)) {
    checkpoint.step = std::atoll(step.c_str());
  }
  return checkpoint;
}

}  // namespace rankscope::diagnose
