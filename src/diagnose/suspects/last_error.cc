#include "diagnose/suspects/last_error.h"

#include <re2/re2.h>

#include <algorithm>

namespace rankscope::diagnose {
namespace {

// Less than whatever else is said of a failure.
constexpr int kSaysError = 31;

// The last line of all that says something; of files whose lines have no order among each other, none.
std::optional<size_t> LastLine(const Reading& reading) {
  if (reading.read->files.size() > 1) return std::nullopt;
  size_t end = reading.bodies.size();
  while (end > 0 && reading.bodies[end - 1].text.empty()) --end;
  return end == 0 ? std::nullopt : std::optional(end - 1);
}

// Whoever says so goes on, or is no trainer, as its logger's name shows.
bool SaysItLives(std::string_view text) {
  static const re2::RE2 kLives(
      R"((?i)\b(?:retry\w*|ignor\w*|skip\w*|continu\w*|fall(?:ing)? ?back|will be|attempt \d+|deprecat\w*)\b)"
      R"(|(?i:\b(?:wandb|mlflow|tensorboard|comet(?:_ml)?|neptune|clearml|opentelemetry|prometheus|urllib3|pip)\b))"
      R"(|(?i:\b(?:telemetry|metrics) (?:exporter|server|client)\b))");
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kLives);
}

bool EndedWell(const Reading& reading) {
  return !reading.finished.empty() ||
         std::any_of(reading.exits.begin(), reading.exits.end(), [](const Exit& exit) { return exit.code == 0; });
}

}  // namespace

std::optional<Suspect> FindLastError(const Reading& reading) {
  const std::optional<size_t> last = LastLine(reading);
  if (!last || EndedWell(reading) || reading.tracebacks.is_inside[*last]) return std::nullopt;
  const LineBody& body = reading.bodies[*last];
  if ((body.level != 'E' && body.level != 'F') || SaysItLives(reading.text(*last))) return std::nullopt;
  return Suspect{*last,      "python_exception_one_rank", "last error",     Role::kSymptom,
                 kSaysError, reading.ranks[*last],        Traceback::kNone, "the log ends with it"};
}

}  // namespace rankscope::diagnose
