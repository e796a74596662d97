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
  constexpr std::string_view kWords[] = {"heckpoint", "CHECKPOINT", "odel saved to", "current state to",
                                         "saving model to"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

std::string Unquoted(std::string place) {
  constexpr const char* kMarks = "'\"";
  place.erase(0, place.find_first_not_of(kMarks));
  return place.substr(0, place.find_first_of(kMarks));
}

std::optional<int64_t> StepIn(re2::StringPiece text) {
  static const re2::RE2 kStep(R"((?i)(?:checkpoints?|step|iter(?:ation)?|global_step)(?:[-_=/ ]| ?: )?0*(\d{1,18}))");
  int64_t step = 0;
  return re2::RE2::PartialMatch(text, kStep, &step) ? std::optional(step) : std::nullopt;
}

// Who names the place.
std::optional<CheckpointLine> ReadPlaced(re2::StringPiece line) {
  static const re2::RE2 kSaved(
      R"((?i)(?:saved (?:model |the |full )?checkpoint(?: to| at| in| from|:)?|checkpoint saved (?:to|at|in)|model saved to)\s+(\S+)(?:\s+(\d+))?)"),
      kReady(R"((?i)\bcheckpoint (\S+) is ready|checkpoint save for step \d+ \((\S+)\) finalized)"),
      kBegun(
          R"((?i)(?:sav(?:e|ing) (?:model |the |full )?checkpoint(?: to| at| in|:)|saving (?:current state|model) to|async checkpoint save for)\s+(\S+)(?:\s+(\d+))?)");
  std::string place, number, other;
  const bool saved =
      re2::RE2::PartialMatch(line, kSaved, &place, &number) || re2::RE2::PartialMatch(line, kReady, &place, &other);
  if (!saved && !re2::RE2::PartialMatch(line, kBegun, &place, &number)) return std::nullopt;
  if (!IsPlace(place + other + number)) return std::nullopt;
  CheckpointLine checkpoint{Unquoted(place + other) + (number.empty() ? "" : " " + number), {}, saved};
  checkpoint.step = StepIn(checkpoint.place);
  if (!checkpoint.step) checkpoint.step = StepIn(line);
  return checkpoint;
}

// Who names the step at most.
std::optional<CheckpointLine> ReadUnplaced(re2::StringPiece line) {
  static const re2::RE2 kSaved(R"((?i)checkpoint for step \d+ saved|finished saving (?:the |a )?(?:full )?checkpoint)"),
      kBegun(
          R"((?i)\bsaving (?:(?:a |the )?(?:full )?checkpoint (?:for step|at last step|in last time)|the checkpoint \()|\bglobal checkpoint save : rank)");
  const bool saved = re2::RE2::PartialMatch(line, kSaved);
  if (!saved && !re2::RE2::PartialMatch(line, kBegun)) return std::nullopt;
  return CheckpointLine{"", StepIn(line), saved};
}

}  // namespace

std::optional<CheckpointLine> ReadCheckpointLine(std::string_view text) {
  const re2::StringPiece line(text.data(), text.size());
  if (!MayBeOne(text) || SaysThereIsNone(line)) return std::nullopt;
  auto placed = ReadPlaced(line);
  return placed ? placed : ReadUnplaced(line);
}

}  // namespace rankscope::diagnose
