#include "diagnose/suspects/suspect.h"

#include <re2/re2.h>

#include <algorithm>

#include "diagnose/signatures/exception_line.h"
#include "diagnose/suspects/survival.h"

namespace rankscope::diagnose {
namespace {

// What a logger calls a warning or a note ended nothing by itself, as a rule.
constexpr int kWarned = 30;
// A line outside any traceback names what went wrong less surely than an exception does.
constexpr int kLoose = 8;
// The exception of a traceback that is cut off is guessed by its frames.
constexpr int kGuessed = 20;
// So many ordinary lines after a line that is no exception: whoever wrote it lived on.
constexpr int kLivesOn = 25;
constexpr size_t kLooksAhead = 400;
constexpr int kProves = 90;
// Horovod's word for tensors that wait for some of the ranks, as for one that evaluates alone.
constexpr std::string_view kStalled = "stalled";

bool IsWarning(const Reading& reading, size_t line) {
  char level = reading.bodies[line].level;
  return level == 'W' || level == 'I' || level == 'D';
}

// gloo logs nothing: its words are an exception's, and who tells them last did not go on, whatever the level.
bool IsLastWordOfGloo(const Reading& reading, size_t line) {
  static const re2::RE2 kPlace(R"(\[\S*/gloo/\S+\.(?:cc|h):\d+\])");
  const std::string_view text = reading.text(line);
  if (!re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kPlace)) return false;
  return std::all_of(reading.bodies.begin() + static_cast<std::ptrdiff_t>(line) + 1, reading.bodies.end(),
                     [](const LineBody& body) { return body.text.empty(); });
}

// Of these a program dies by an exception only.
bool IsRaised(const Signature& signature) {
  constexpr std::string_view kClasses[] = {"config_error",
                                           "tensor_shape_mismatch",
                                           "dtype_device_mismatch",
                                           "sequence_too_long",
                                           "missing_dependency_import_error",
                                           "checkpoint_load_failed",
                                           "triton_or_kernel_compile_error"};
  return std::find(std::begin(kClasses), std::end(kClasses), signature.failure) != std::end(kClasses);
}

bool IsCutOff(const Reading& reading, const Sighting& sighting) {
  return sighting.traceback != Traceback::kNone &&
         reading.tracebacks.all[sighting.traceback].exception == Traceback::kNone;
}

// mp.spawn quotes what its process raised. Cut off as well, that says more than that one raised something.
bool IsQuoted(const Reading& reading, const Sighting& sighting) {
  const size_t begin = reading.tracebacks.all[sighting.traceback].begin;
  return begin > 0 && reading.text(begin - 1).find("terminated with the following error:") != std::string_view::npos;
}

int ScoreOf(const Reading& reading, const Sighting& sighting) {
  const Signature& signature = *sighting.signature;
  int score = signature.weight;
  if (IsCutOff(reading, sighting)) return score - (IsQuoted(reading, sighting) ? kGuessed / 2 : kGuessed);
  bool lives = signature.life == Life::kGoesOn;
  if (lives || sighting.traceback != Traceback::kNone) return score;
  if (IsWarning(reading, sighting.line) && signature.role != Role::kOutcome &&
      !IsLastWordOfGloo(reading, sighting.line))
    score -= IsRaised(signature) ? signature.weight : kWarned;
  if (signature.weight < 80) score -= kLoose;
  return score;
}

// The last line that tells an evaluation's result, where Horovod told of a stall.
std::optional<size_t> LastResultBesideStalls(const Reading& reading) {
  static const re2::RE2 kResult(R"((?i)\b(?:eval\w*|val|valid\w*|test)[_/ ](?:loss|acc\w*|\w*perplexity)\b\W{0,4}\d)");
  std::optional<size_t> last;
  if (std::none_of(reading.sightings.begin(), reading.sightings.end(),
                   [](const Sighting& sighting) { return sighting.signature->kind == kStalled; }))
    return last;
  for (size_t i = 0; i < reading.bodies.size(); ++i) {
    const std::string_view text = reading.bodies[i].text;
    const bool later = !last || reading.positions[i] > reading.positions[*last];
    if (later && re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kResult)) last = i;
  }
  return last;
}

// By its name, where its traceback is lost.
bool NamesException(std::string_view text) {
  static const re2::RE2 kNamed(re2::StringPiece(kException.data(), kException.size()));
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kNamed);
}

// Of C++ stacks, tables and the like, which follow a death.
bool IsOrdinary(const Reading& reading, size_t line) {
  std::string_view text = reading.bodies[line].text;
  return !reading.tracebacks.is_inside[line] && !text.empty() && !reading.bodies[line].indented.starts_with(" ") &&
         !text.starts_with("frame #") && !text.starts_with("***") && !text.starts_with("#") &&
         !text.starts_with("==") && !text.starts_with("--");
}

// By line: how many ordinary lines of the file follow, and whether a sighting does.
bool IsFollowedByOrdinaryLines(const Reading& reading, const Sighting& sighting) {
  int ordinary = 0;
  const auto& lines = reading.read->lines;
  const size_t end = std::min(lines.size(), sighting.line + kLooksAhead);
  for (size_t i = sighting.line + 1; i < end && lines[i].file == lines[sighting.line].file; ++i) {
    if (reading.ends.count(i) > 0) return false;  // an exception came
    if (IsOrdinary(reading, i) && ++ordinary >= kLivesOn) return true;
  }
  return false;
}

}  // namespace

bool IsKnownToFollow(const Reading& reading, size_t other, size_t line) {
  const Line& a = reading.read->lines[line];
  const Line& b = reading.read->lines[other];
  bool tells = a.file == b.file || (a.time && b.time);
  return tells && reading.positions[other] > reading.positions[line];
}

bool IsSignal(const Suspect& suspect) {
  constexpr std::string_view kKinds[] = {"launcher signalled", "signal", "interrupt", "terminated", "cancelled"};
  return suspect.failure == "sigterm_preempted" &&
         std::find(std::begin(kKinds), std::end(kKinds), suspect.kind) != std::end(kKinds);
}

// A report that tells no step, as that of a trainer's rank 0 of a norm that all ranks have in common.
constexpr int64_t kAfterAnyStep = INT64_MAX;

std::pair<int64_t, size_t> OrderOf(const Reading& reading, const Suspect& suspect) {
  int64_t step = 0;
  if (suspect.failure == "nan_or_inf_loss") {
    auto point = std::lower_bound(reading.points.begin(), reading.points.end(), suspect.line,
                                  [](const Point& p, size_t line) { return p.line < line; });
    if (point != reading.points.end() && point->line == suspect.line) step = point->step.value_or(kAfterAnyStep);
  }
  return {step, reading.positions[suspect.line]};
}

LauncherEnded EndedByLauncher(const Reading& reading) {
  LauncherEnded ended;
  bool signalled = false;
  for (const Sighting& sighting : reading.sightings) {
    const Signature& signature = *sighting.signature;
    signalled = signalled || signature.kind == "launcher signalled";
    ended.by_sigterm = ended.by_sigterm || signature.kind == "closing";
    ended.by_sigkill = ended.by_sigkill || signature.kind == "forced";
  }
  if (signalled) ended.by_sigterm = false;
  return ended;
}

std::optional<size_t> ReportedEnd(const Reading& reading) {
  for (const Sighting& sighting : reading.sightings) {
    bool outcome =
        sighting.signature->role == Role::kOutcome ||
        (sighting.signature->failure == "python_exception_one_rank" && sighting.signature->role == Role::kCascade);
    if (outcome) return sighting.line;
  }
  return std::nullopt;
}

std::vector<Suspect> FindSuspects(const Reading& reading) {
  std::vector<Suspect> suspects;
  const Survival survival(reading);
  const bool ends = ReportedEnd(reading).has_value();
  const std::optional<size_t> evaluated = LastResultBesideStalls(reading);
  for (const Sighting& sighting : reading.sightings) {
    const Signature& signature = *sighting.signature;
    if (signature.life == Life::kEnds && survival.WentOnAfter(sighting.line)) continue;
    // Whoever was waited for has come.
    if (signature.kind == kStalled && survival.WasReportedAfter(sighting.line)) continue;
    if (signature.kind == kStalled && evaluated && IsKnownToFollow(reading, *evaluated, sighting.line)) continue;
    bool loose = signature.life == Life::kEnds && sighting.traceback == Traceback::kNone && signature.weight < kProves;
    // A bar shows its last state once more when it is closed.
    const bool trained = !NamesException(reading.bodies[sighting.line].text) && survival.TrainedOnAlone(sighting.line);
    if (loose && !ends && (IsFollowedByOrdinaryLines(reading, sighting) || trained)) continue;
    suspects.push_back({sighting.line,
                        signature.failure,
                        signature.kind,
                        signature.role,
                        ScoreOf(reading, sighting),
                        reading.ranks[sighting.line],
                        sighting.traceback,
                        {}});
  }
  return suspects;
}

}  // namespace rankscope::diagnose
