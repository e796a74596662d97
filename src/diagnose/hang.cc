#include "diagnose/hang.h"

#include <re2/re2.h>

#include <algorithm>

#include "diagnose/stacks.h"

namespace rankscope::diagnose {
namespace {

bool Matches(std::string_view text, const re2::RE2& regex) {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex);
}

// What launches say just before they wait for others, or for a lock.
bool SaysItWaits(std::string_view text) {
  // torch's note on the device of a barrier comes as well where all ranks meet; what is done waits for nobody.
  static const re2::RE2 over(
      R"(perform barrier as devices|(?i:\b(?:completed|finished)\b|\bdone (?:with|in|waiting)\b|\bdone\W*$))");
  if (Matches(text, over)) return false;
  static const re2::RE2 regex(
      R"(Waiting in store based barrier|Added key: store_based_barrier|Initializing distributed: GLOBAL_RANK|initializing (?:ddp|distributed|torch distributed)|distributed processes registered|as PyTorch extensions root|(?i:setting up distributed|waiting for (?:all |other )?(?:ranks?|workers?|nodes?|process\w*|peers?|clients|master)|init_process_group|rendezvous|barrier|joining|initializing process group|NCCL INFO .*(?:Init START|Connected all|Trees|Ring \d|Channel|via)|calling callback hook|Detected CUDA files|Loading extension module))");
  return Matches(text, regex);
}

// How many of a log's last lines may be other ranks' noise.
constexpr size_t kLastLines = 6;

// Its launcher saw a process fail, or its peers a rank go.
bool HasLostARank(const Reading& reading) {
  return !reading.exits.empty() ||
         std::any_of(reading.sightings.begin(), reading.sightings.end(), [](const Sighting& sighting) {
           return sighting.signature->role == Role::kCascade && sighting.signature->kind == "peer closed";
         });
}

// A launch, that has said nothing of a step yet, ends in a wait.
std::optional<Suspect> FindStalledLaunch(const Reading& reading) {
  if (!reading.points.empty() || !reading.finished.empty() || HasLostARank(reading)) return std::nullopt;
  const size_t count = reading.bodies.size();
  for (size_t back = 1; back <= std::min(count, kLastLines); ++back) {
    size_t line = count - back;
    // The call that failed stands in its traceback.
    if (reading.tracebacks.is_inside[line] || !SaysItWaits(reading.bodies[line].text)) continue;
    return Suspect{line, "process_hung",      "start",          Role::kSymptom,
                   46,   reading.ranks[line], Traceback::kNone, "the log ends before the first step, while ranks wait"};
  }
  return std::nullopt;
}

// A dump of a job that trained on, or ended well, says only where it stood.
bool TrainedOn(const Reading& reading, size_t line) {
  auto follows = [&](size_t other) { return reading.positions[other] > reading.positions[line]; };
  return std::any_of(reading.finished.begin(), reading.finished.end(), follows) ||
         std::any_of(reading.points.begin(), reading.points.end(), [&](const Point& p) { return follows(p.line); });
}

// The innermost frame of the main thread in a dump of py-spy or faulthandler: of the rank that stands elsewhere than
// the others, else of the first.
std::optional<Suspect> FindStandingStack(const Reading& reading) {
  static const re2::RE2 kThread(
      R"(^Thread (?:0x)?[0-9a-fA-F]+ ?\((?:idle|active|most recent call first)|^Current thread 0x)");
  if (OddStacks odd = FindOddStacks(reading); !odd.ranks.empty()) {
    if (TrainedOn(reading, odd.line)) return std::nullopt;
    return Suspect{odd.line, "process_hung", "stack", Role::kSymptom, 58, odd.ranks.front(), Traceback::kNone, ""};
  }
  for (size_t i = 0; i + 1 < reading.bodies.size(); ++i) {
    if (!Matches(reading.bodies[i].text, kThread) || TrainedOn(reading, i)) continue;
    return Suspect{
        i + 1, "process_hung",       "stack",          Role::kSymptom,
        56,    reading.ranks[i + 1], Traceback::kNone, "the innermost frame of the thread that stands still"};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Suspect> FindHang(const Reading& reading) {
  if (auto stack = FindStandingStack(reading)) return stack;
  return FindStalledLaunch(reading);
}

}  // namespace rankscope::diagnose
