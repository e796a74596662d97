#include "diagnose/suspects/memory_trace.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "diagnose/reading/batch_records.h"
#include "diagnose/suspects/memory_trend.h"
#include "diagnose/suspects/printed_batch.h"
#include "diagnose/suspects/sampled_rows.h"
#include "diagnose/verdict/figures.h"

namespace rankscope::diagnose {
namespace {

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

constexpr double kMib = 1.0 / 1024;

double Gib(const std::string& number, const std::string& unit) {
  double value = std::atof(number.c_str());
  switch (unit[0]) {
    case 'T':
      return value / kMib;
    case 'M':
      return value * kMib;
    case 'K':
      return value * kMib * kMib;
    case 'b':
      return value * kMib * kMib * kMib;
    default:
      return value;
  }
}

std::optional<double> Amount(std::string_view text, const re2::RE2& regex) {
  std::string number, unit;
  if (!re2::RE2::PartialMatch(Piece(text), regex, &number, &unit)) return std::nullopt;
  return Gib(number, unit);
}

std::string Times(const std::optional<double>& usual) {
  return usual ? ", " + Hundredths(*usual) + " times the usual" : "";
}

// What was recorded of it, against the batches before.
void JudgeRecordedBatch(const BatchInFlight& found, MemoryTrace* trace) {
  const BatchRecord& batch = found.batch;
  trace->lines.push_back(batch.line);
  std::string text = "the batch in flight" + (batch.step ? " of step " + std::to_string(*batch.step) : std::string());
  if (!batch.ids.empty()) text += ": samples " + NamesOf(batch.ids) + Times(found.samples);
  trace->figures.push_back(text);
  if (!batch.shape.empty()) trace->figures.push_back("its largest shape: " + batch.shape + Times(found.largest));
  if (!batch.lengths.empty()) {
    auto longest = std::max_element(batch.lengths.begin(), batch.lengths.end());
    const auto place = static_cast<size_t>(longest - batch.lengths.begin());
    const std::string id = batch.ids.size() == batch.lengths.size() ? batch.ids[place] + ", of " : "";
    trace->figures.push_back("its longest sample: " + id + std::to_string(std::llround(*longest)) +
                             Times(found.longest) + "; all together " + std::to_string(std::llround(batch.total)) +
                             Times(found.total));
  }
  const bool one = found.largest.value_or(0) > kExtreme || found.longest.value_or(0) > kExtreme;
  if (one) {
    trace->kind = kExtremeSample;
  } else if (found.total.value_or(0) > kLarger || found.samples.value_or(0) > kLarger) {
    trace->kind = kLargeBatch;
  }
}

constexpr double kMuchOfDevice = 0.10;

void JudgeReport(const MemoryReport& report, MemoryTrace* trace) {
  if (report.requested) trace->figures.push_back("asked for " + Hundredths(*report.requested) + " GiB");
  if (report.total && report.free) {
    trace->figures.push_back(Hundredths(*report.free) + " GiB of " + Hundredths(*report.total) + " GiB were free");
  }
  if (report.allocated && report.unallocated) {
    trace->figures.push_back("PyTorch held " + Hundredths(*report.allocated) + " GiB in tensors and " +
                             Hundredths(*report.unallocated) + " GiB reserved without use");
  }
  double total = report.total.value_or(0);
  if (total <= 0 || !report.unallocated) return;
  double foreign = report.in_use.value_or(0) - report.allocated.value_or(0) - *report.unallocated;
  if (*report.unallocated > kMuchOfDevice * total && *report.unallocated > report.requested.value_or(0)) {
    trace->kind = "fragmentation";
  } else if (report.in_use && report.free && total - *report.free - *report.in_use > kMuchOfDevice * total) {
    trace->kind = "other process";
    trace->figures.push_back(Hundredths(total - *report.free - *report.in_use) + " GiB belong to other processes");
  } else if (foreign > kMuchOfDevice * total) {
    trace->figures.push_back(Hundredths(foreign) +
                             " GiB of this process are not PyTorch's (NCCL, CUDA kernels, libraries)");
  }
}

}  // namespace

MemoryReport ReadMemoryReport(std::string_view text) {
  static const re2::RE2 kRequested(R"(Tried to allocate ([\d.]+) ([KMGT]iB|bytes))"),
      kTotalNew(R"(total capacity of ([\d.]+) ([KMGT]iB))"), kTotalOld(R"(([\d.]+) ([KMGT]iB) total capacity)"),
      kFree(R"(([\d.]+) ([KMGT]iB|bytes) (?:is )?free)"),
      kInUse(R"(this process has ([\d.]+) ([KMGT]iB) memory in use)"),
      kAllocated(R"(([\d.]+) ([KMGT]iB|bytes) (?:is allocated by PyTorch|already allocated))"),
      kUnallocated(R"(([\d.]+) ([KMGT]iB|bytes) is reserved by PyTorch but unallocated)"),
      kReserved(R"(([\d.]+) ([KMGT]iB) reserved in total)");
  MemoryReport report;
  report.requested = Amount(text, kRequested);
  report.total = Amount(text, kTotalNew);
  if (!report.total) report.total = Amount(text, kTotalOld);
  report.free = Amount(text, kFree);
  report.in_use = Amount(text, kInUse);
  report.allocated = Amount(text, kAllocated);
  report.unallocated = Amount(text, kUnallocated);
  auto reserved = Amount(text, kReserved);
  if (!report.unallocated && reserved && report.allocated) report.unallocated = *reserved - *report.allocated;
  return report;
}

// It ran out while the weights were read or brought to the device, before any batch.
bool WasLoading(const Reading& reading, const Suspect& cause) {
  static const re2::RE2 kLoads(
      R"(in (?:from_pretrained|load_state_dict|_load_pretrained_model|_load_state_dict\w*|load_weights|load_model|cuda|to)\n)"),
      kBar(R"((?i)^loading (?:checkpoint|weights|safetensors|model))");
  const bool before_training = std::none_of(reading.points.begin(), reading.points.end(), [&](const Point& point) {
    return reading.positions[point.line] < reading.positions[cause.line];
  });
  if (!before_training) return false;
  if (cause.traceback != Traceback::kNone &&
      re2::RE2::PartialMatch(reading.tracebacks.all[cause.traceback].frames, kLoads))
    return true;
  return cause.line > 0 && re2::RE2::PartialMatch(Piece(reading.bodies[cause.line - 1].text), kBar);
}

bool WasEvaluating(const Reading& reading, const Suspect& cause) {
  static const re2::RE2 kEvaluates(
      R"(in (?:evaluat\w*|evaluation_loop|prediction_(?:step|loop)|validat\w*|_run_validation|generate|predict)\n)");
  return cause.traceback != Traceback::kNone &&
         re2::RE2::PartialMatch(reading.tracebacks.all[cause.traceback].frames, kEvaluates);
}

MemoryTrace TraceMemory(const Reading& reading, const Suspect& cause) {
  MemoryTrace trace;
  JudgeReport(ReadMemoryReport(reading.text(cause.line)), &trace);
  const auto recorded = FindBatchInFlight(reading, cause.line, cause.rank);
  if (recorded) JudgeRecordedBatch(*recorded, &trace);
  const bool named = recorded ? !recorded->batch.ids.empty() : JudgePrintedBatch(reading, cause, &trace);
  if (!named) TellSampledRows(reading, cause, &trace);
  NameFile(reading, cause, &trace);
  if (trace.kind.empty() && WasEvaluating(reading, cause)) trace.kind = "evaluation";
  JudgeTrend(reading, cause, &trace);
  for (std::string& figure : MemoryAfter(reading, cause)) trace.figures.push_back(std::move(figure));
  constexpr int64_t kFirstSteps = 3;
  bool early = std::none_of(reading.points.begin(), reading.points.end(), [&](const Point& point) {
    return point.line < cause.line && point.step.value_or(0) > kFirstSteps;
  });
  if (trace.kind.empty() && WasLoading(reading, cause)) trace.kind = "model too large";
  if (trace.kind.empty() && early) trace.kind = kLargeBatch;
  return trace;
}

}  // namespace rankscope::diagnose
