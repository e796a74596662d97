#include "diagnose/suspects/silence.h"

#include <algorithm>
#include <cstdio>
#include <initializer_list>
#include <map>
#include <set>

#include "diagnose/reading/stacks.h"

namespace rankscope::diagnose {
namespace {

using base::kNsPerSecond;
using base::TimeNs;

constexpr int64_t kLeastSilence = 60 * kNsPerSecond, kOfCheckpoint = 1800 * kNsPerSecond;
constexpr int64_t kTimesAsUsual = 10;
// What is less than a minute has to be many times as long, since nobody evaluates for so many steps.
constexpr int64_t kShortSilence = 20 * kNsPerSecond, kManyTimesAsUsual = 200;
constexpr double kTimesAsLongest = 1.5;  // as the rules' silence
constexpr size_t kWaitsOfStart = 5;
constexpr int kScore = 62;      // as of a stack that tells who stands where
constexpr int kEndedByUs = 22;  // as what a launcher does to the others
constexpr int kLeastOther = 40;

std::optional<TimeNs> OwnTime(const Reading& reading, size_t line) {
  const Line& said = reading.read->lines[line];
  return said.timed ? said.time : std::nullopt;
}

struct Mark {
  TimeNs time = 0;
  size_t line = 0;
  std::optional<int32_t> rank;
};

// What tells that the training goes on, before that time, in order.
std::vector<Mark> MarksBefore(const Reading& reading, TimeNs end) {
  std::vector<Mark> marks;
  for (const Point& point : reading.points) {
    auto time = OwnTime(reading, point.line);
    if (time && *time < end) marks.push_back({*time, point.line, point.rank});
  }
  std::sort(marks.begin(), marks.end(), [](const Mark& a, const Mark& b) { return a.time < b.time; });
  return marks;
}

// How long a rank was silent between two reports of its own.
struct Waits {
  int64_t usual = 0;    // all but one of twenty are shorter: compiling and evaluating take long too
  int64_t longest = 0;  // that it broke by itself, not counting those of the start
};

Waits WaitsOf(const std::vector<TimeNs>& reports) {
  std::vector<int64_t> waits;
  for (size_t i = 1; i < reports.size(); ++i) waits.push_back(reports[i] - reports[i - 1]);
  if (waits.empty()) return {};
  const auto start = static_cast<std::ptrdiff_t>(std::min(waits.size() - 1, kWaitsOfStart));
  const int64_t longest = *std::max_element(waits.begin() + start, waits.end());
  auto at = waits.begin() + static_cast<std::ptrdiff_t>((waits.size() - 1) * 19 / 20);
  std::nth_element(waits.begin(), at, waits.end());
  return {*at, longest};
}

// The longest of any rank.
Waits FindWaits(const std::vector<Mark>& marks) {
  std::map<int32_t, std::vector<TimeNs>> reports;
  for (const Mark& mark : marks) reports[mark.rank.value_or(-1)].push_back(mark.time);
  Waits all;
  for (const auto& [rank, times] : reports) {
    const Waits waits = WaitsOf(times);
    all = {std::max(all.usual, waits.usual), std::max(all.longest, waits.longest)};
  }
  return all;
}

// Whether a line of that time speaks of it.
bool SpeaksOf(const Reading& reading, TimeNs from, TimeNs end, std::initializer_list<std::string_view> words) {
  for (size_t i = 0; i < reading.bodies.size(); ++i) {
    auto time = OwnTime(reading, i);
    if (!time || *time < from || *time >= end) continue;
    std::string_view text = reading.bodies[i].text;
    if (std::any_of(words.begin(), words.end(), [&](auto word) { return text.find(word) != std::string_view::npos; }))
      return true;
  }
  return false;
}

// How long nothing must have been heard.
int64_t LeastSilence(const Reading& reading, TimeNs last, TimeNs end, int64_t usual) {
  if (SpeaksOf(reading, last, end, {"heckpoint"})) return kOfCheckpoint;
  const bool evaluates = SpeaksOf(reading, last, end, {"valuat", "alidat"});  // the first one is as long as many steps
  if (evaluates || usual >= kLeastSilence / kManyTimesAsUsual) return kLeastSilence;
  return std::max(kManyTimesAsUsual * usual, kShortSilence);
}

std::string Seconds(int64_t ns) {
  char text[32];
  std::snprintf(text, sizeof text, ns < 10 * kNsPerSecond ? "%.1f s" : "%.0f s",
                static_cast<double>(ns) / static_cast<double>(kNsPerSecond));
  return text;
}

const Suspect* FirstSignal(const Reading& reading, const std::vector<Suspect>& suspects) {
  const Suspect* first = nullptr;
  for (const Suspect& suspect : suspects) {
    auto time = IsSignal(suspect) ? OwnTime(reading, suspect.line) : std::nullopt;
    if (time && (!first || *time < *OwnTime(reading, first->line))) first = &suspect;
  }
  return first;
}

// Of whatever came before the signal.
bool IsExplained(const Reading& reading, const Silence& silence, const std::vector<Suspect>& suspects) {
  return std::any_of(suspects.begin(), suspects.end(), [&](const Suspect& suspect) {
    bool before = reading.positions[suspect.line] < reading.positions[silence.end] && suspect.role != Role::kCascade;
    return before && !IsSignal(suspect) && suspect.score >= kLeastOther;
  });
}

}  // namespace

std::optional<std::string_view> FrameOfInterruption(std::string_view frames) {
  const size_t handler = frames.find("/signal_connector.py\"");
  if (handler == std::string_view::npos) return std::nullopt;
  frames = frames.substr(0, frames.rfind("File \"", handler));
  const size_t last = frames.rfind("File \"");
  return last == std::string_view::npos ? std::nullopt : std::optional(frames.substr(last));
}

Interrupted FindInterrupted(const Reading& reading) {
  std::set<int32_t> all, outside;
  for (const auto& rank : reading.ranks) {
    if (rank) all.insert(*rank);
  }
  for (const Traceback& traceback : reading.tracebacks.all) {
    if (traceback.exception == Traceback::kNone) continue;
    const auto frame = FrameOfInterruption(traceback.frames);
    if (!frame && !reading.bodies[traceback.exception].text.starts_with("KeyboardInterrupt")) continue;
    auto rank = reading.ranks[traceback.exception];
    if (rank && !IsWhereRanksWait(frame.value_or(traceback.frames))) outside.insert(*rank);
  }
  if (outside.empty() || outside.size() * 2 > all.size()) return {};
  return {{outside.begin(), outside.end()},
          "the signal found it outside of any collective, where the others waited or did not come back from one"};
}

std::optional<Silence> FindSilence(const Reading& reading, const std::vector<Suspect>& suspects) {
  const Suspect* signal = FirstSignal(reading, suspects);
  if (!signal || !reading.finished.empty()) return std::nullopt;
  const TimeNs end = *OwnTime(reading, signal->line);
  const std::vector<Mark> marks = MarksBefore(reading, end);
  if (marks.size() < 2) return std::nullopt;
  const Mark& last = marks.back();
  const Waits waits = FindWaits(marks);
  const int64_t silent = end - std::max(last.time, reading.read->paused_until);
  const int64_t least = LeastSilence(reading, last.time, end, waits.usual);
  const auto survived = static_cast<int64_t>(kTimesAsLongest * static_cast<double>(waits.longest));
  if (silent < std::max({least, kTimesAsUsual * waits.usual, survived})) return std::nullopt;
  return Silence{last.line, signal->line,
                 "nothing was heard of the training for " + Seconds(silent) + ", where at most " +
                     Seconds(waits.usual) + " between reports were usual, when it was ended from outside"};
}

void ExplainSignalsBySilence(const Reading& reading, std::vector<Suspect>* suspects) {
  auto silence = FindSilence(reading, *suspects);
  if (!silence) return;
  const bool explained = IsExplained(reading, *silence, *suspects);
  for (Suspect& suspect : *suspects) {
    const bool after = reading.positions[suspect.line] > reading.positions[silence->end];
    if (!IsSignal(suspect) && (explained || !after)) continue;
    suspect.role = Role::kCascade;
    suspect.score = std::min(suspect.score, kEndedByUs);
  }
  if (explained) return;
  suspects->push_back(
      {silence->last, "process_hung", kSilence, Role::kSymptom, kScore, std::nullopt, Traceback::kNone, silence->why});
}

}  // namespace rankscope::diagnose
