#include "diagnose/suspects/sampled_rows.h"

#include <re2/re2.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "diagnose/suspects/random_order.h"

namespace rankscope::diagnose {
namespace {

constexpr int64_t kMostRows = 1024;

int64_t Quotient(int64_t number, int64_t by) { return (number + by - 1) / by; }

struct Epochs {
  int64_t batches = 0;  // of a rank
  int64_t steps = 0;    // with that of the batches left over, if there are any
  bool leaves_over = false;
};

Epochs EpochsOf(const SamplerSettings& settings) {
  const int64_t batches = Quotient(Quotient(settings.rows, settings.batch), settings.world);
  return {batches, Quotient(batches, settings.accumulation), batches % settings.accumulation != 0};
}

// The Trainer has made both counts of the steps of an epoch; older releases round theirs down.
bool AgreeCounts(const SamplerSettings& settings, const Epochs& epochs) {
  if (settings.steps_per_epoch && settings.steps_per_epoch != epochs.steps) return false;
  auto agree = [&](int64_t steps) {
    const int64_t needed = Quotient(settings.total_steps, steps);
    return needed == settings.epochs;
  };
  return agree(epochs.steps) || agree(std::max<int64_t>(1, epochs.batches / settings.accumulation));
}

// In the order of an epoch; where it is at its end, several ranks begin again, and one alone stops.
std::vector<int64_t> PlacesOf(const SamplerSettings& settings, int64_t rank, int64_t first, int64_t end) {
  std::vector<int64_t> places;
  for (int64_t batch = first; batch < end; ++batch) {
    const int64_t begin = (batch * settings.world + rank) * settings.batch;
    for (int64_t place = begin; place < begin + settings.batch; ++place) {
      if (place < settings.rows || settings.world > 1) places.push_back(place % settings.rows);
    }
  }
  return places;
}

// Whether the Trainer's own step ran out, and none that draws its rows in another way is known to be on top of it.
bool WasTrainersStep(const Reading& reading, const Suspect& cause) {
  static const re2::RE2 kStep(R"(transformers/trainer\.py.* in training_step)"),
      kTrainer(R"((\S*(?i:trainer)[^/\s]*(?:/[^/\s]*)?\.py|\S*/swift/))"),
      kKnown(R"(/transformers/trainer\w*\.py|/trl/trainer/(?:sft|dpo|reward|base)_trainer\.py)");
  if (cause.traceback == Traceback::kNone) return false;
  const std::string& frames = reading.tracebacks.all[cause.traceback].frames;
  if (!re2::RE2::PartialMatch(frames, kStep)) return false;
  re2::StringPiece rest(frames), path;
  while (re2::RE2::FindAndConsume(&rest, kTrainer, &path)) {
    if (!re2::RE2::PartialMatch(path, kKnown)) return false;
  }
  return true;
}

// The last step that was completed, where reports come for each; no rank completes another after one has died.
std::optional<int64_t> LastStep(const Reading& reading, const SamplerSettings& settings) {
  std::set<int64_t> steps;
  for (const Point& point : reading.points) {
    const bool of_it = reading.positions[point.line] > reading.positions[settings.line];
    if (!of_it || point.evaluation || !point.step) continue;
    if (point.total_steps.value_or(settings.total_steps) == settings.total_steps) steps.insert(*point.step);
  }
  if (steps.empty() || *steps.rbegin() >= settings.total_steps) return std::nullopt;
  const int64_t last = *steps.rbegin();
  return steps.count(last - 1) > 0 ? std::optional(last) : std::nullopt;
}

std::string Named(const std::vector<int64_t>& rows) {
  constexpr size_t kMostNamed = 64;
  std::string names;
  for (size_t i = 0; i < std::min(rows.size(), kMostNamed); ++i) {
    names += (i > 0 ? ", " : "") + std::to_string(rows[i]);
  }
  return rows.size() > kMostNamed ? names + ", … (" + std::to_string(rows.size()) + ")" : names;
}

std::string Sentence(const SamplerSettings& settings, int64_t rank, int64_t step, const std::vector<int64_t>& rows) {
  return "by the sampler's seed " + std::to_string(settings.seed) +
         (settings.is_default_seed ? " (the Trainer's default: no line tells one)" : "") + " rank " +
         std::to_string(rank) + " took in step " + std::to_string(step) + " the rows " + Named(rows) +
         " of the training set (derived, not recorded)";
}

}  // namespace

std::vector<int64_t> RowsOfStep(const SamplerSettings& settings, int64_t rank, int64_t step) {
  const Epochs epochs = EpochsOf(settings);
  const int64_t epoch = (step - 1) / epochs.steps, first = (step - 1) % epochs.steps * settings.accumulation;
  // Older releases carry the batches left over into the next epoch's first step.
  const bool unsure = epochs.leaves_over && epoch > 0 && !settings.steps_per_epoch;
  const bool many = settings.rows > kLargestOrder || settings.batch * settings.accumulation > kMostRows;
  if (!AgreeCounts(settings, epochs) || unsure || many || rank >= settings.world) return {};
  const int64_t end = std::min(first + settings.accumulation, epochs.batches);
  return AtPlaces(settings.rows, static_cast<uint64_t>(settings.seed + epoch), PlacesOf(settings, rank, first, end));
}

void TellSampledRows(const Reading& reading, const Suspect& cause, MemoryTrace* trace) {
  if (!WasTrainersStep(reading, cause)) return;
  const auto settings = ReadSamplerSettings(reading);
  if (!settings) return;
  const auto last = LastStep(reading, *settings);
  const auto rank = settings->world == 1 ? std::optional<int32_t>(0) : cause.rank;
  if (last && rank) {
    const std::vector<int64_t> rows = RowsOfStep(*settings, *rank, *last + 1);
    if (!rows.empty()) trace->figures.push_back(Sentence(*settings, *rank, *last + 1, rows));
  } else if (last || rank) {
    trace->would_settle = std::string("which rows the batch had: the sampler's seed is known, not ") +
                          (rank ? "the step (a progress bar, or logging_steps=1)" : "the rank");
  }
}

}  // namespace rankscope::diagnose
