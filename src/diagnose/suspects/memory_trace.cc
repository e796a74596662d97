#include "diagnose/suspects/memory_trace.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "diagnose/reading/batch_records.h"
#include "diagnose/suspects/memory_trend.h"
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

// A tensor's or image's shape, or a length, as loops print them around a batch.
struct Size {
  size_t line = 0;
  double elements = 0;
  std::string shape;  // as printed
  std::string label;  // the words before it
};

double Product(std::string_view shape) {
  double product = 1;
  static const re2::RE2 kNumber(R"((\d{1,12}))");
  re2::StringPiece rest = Piece(shape);
  std::string digits;
  while (re2::RE2::FindAndConsume(&rest, kNumber, &digits)) product *= std::atof(digits.c_str());
  return product;
}

bool IsBatchRecord(std::string_view text) {
  return text.starts_with('{') && text.find("\"stream\":\"batch\"") != std::string_view::npos;
}

std::optional<Size> ReadSize(const Reading& reading, size_t line) {
  static const re2::RE2 kShape(
      R"((?i)((?:shape|size|dims?|resolution|input|image|pixel\w*|batch|tensor)[\w .'-]{0,24}?)\W{0,3}(?:torch\.Size\()?([\[(]\d+(?:, ?\d+)+[\])]|\d{3,6} ?x ?\d{3,6}))"),
      kLength(R"((?i)((?:seq\w*[ _]?len\w*|max[ _]len\w*|num[ _]tokens|tokens|length))\W{1,3}(\d{2,9})\b)");
  std::string label, shape;
  std::string_view text = reading.bodies[line].text;
  if (IsBatchRecord(text) || text.find("Tried to allocate") != std::string_view::npos) return std::nullopt;
  if (!re2::RE2::PartialMatch(Piece(text), kShape, &label, &shape) &&
      !re2::RE2::PartialMatch(Piece(text), kLength, &label, &shape)) {
    return std::nullopt;
  }
  return Size{line, Product(shape), shape, label};
}

bool IsOfRank(const Reading& reading, size_t line, std::optional<int32_t> rank) {
  return !rank || !reading.ranks[line] || reading.ranks[line] == rank;
}

constexpr size_t kAround = 60;  // lines before and after the report that may show the batch

std::optional<Size> SizeInFlight(const Reading& reading, const Suspect& cause) {
  std::optional<Size> found;
  size_t begin = cause.line > kAround ? cause.line - kAround : 0;
  size_t end = std::min(reading.bodies.size(), cause.line + kAround);
  for (size_t i = begin; i < end; ++i) {
    if (reading.tracebacks.is_inside[i] || !IsOfRank(reading, i, cause.rank)) continue;
    auto size = ReadSize(reading, i);
    if (size && (!found || size->elements >= found->elements)) found = size;
  }
  return found;
}

// Of earlier lines with the same label: what was usual.
std::optional<double> UsualElements(const Reading& reading, const Size& batch) {
  std::vector<double> before;
  for (size_t i = 0; i < batch.line; ++i) {
    auto size = ReadSize(reading, i);
    if (size && size->label == batch.label) before.push_back(size->elements);
  }
  if (before.size() < 3) return std::nullopt;
  return MedianOf(std::move(before));
}

constexpr double kExtreme = 4;
// Without earlier ones to compare with: a picture of 16 million values is none that a training expects.
constexpr double kHuge = 16'000'000;

std::string Times(const std::optional<double>& usual) {
  return usual ? ", " + Hundredths(*usual) + " times the usual" : "";
}

std::string NamesOf(const std::vector<std::string>& ids) {
  constexpr size_t kMostNamed = 8;
  std::string names;
  for (size_t i = 0; i < std::min(ids.size(), kMostNamed); ++i) names += (i > 0 ? ", " : "") + ids[i];
  return ids.size() > kMostNamed ? names + ", … (" + std::to_string(ids.size()) + ")" : names;
}

// What was recorded of it, against the batches before.
void JudgeRecordedBatch(const BatchInFlight& found, MemoryTrace* trace) {
  constexpr double kLarger = 1.5;
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
    trace->kind = "one extreme sample";
  } else if (found.total.value_or(0) > kLarger || found.samples.value_or(0) > kLarger) {
    trace->kind = "batch size too large";
  }
}

void JudgeBatch(const Reading& reading, const Suspect& cause, MemoryTrace* trace) {
  auto batch = SizeInFlight(reading, cause);
  if (!batch) return;
  trace->lines.push_back(batch->line);
  auto usual = UsualElements(reading, *batch);
  bool extreme = usual ? batch->elements > kExtreme * *usual : batch->elements > kHuge;
  std::string against =
      usual ? ", " + Hundredths(batch->elements / std::max(*usual, 1.0)) + " times the usual size" : "";
  trace->figures.push_back("the batch in flight: " + batch->label + " " + batch->shape + against);
  if (extreme) trace->kind = "one extreme sample";
}

void NameFile(const Reading& reading, const Suspect& cause, MemoryTrace* trace) {
  static const re2::RE2 kFile(
      R"(([\w./~-]+\.(?:jpe?g|png|webp|tiff?|bmp|mp4|avi|wav|flac|npy|npz|parquet|jsonl?|tar|arrow|h5|tfrecord|nii(?:\.gz)?|dcm))\b)");
  size_t begin = cause.line > kAround ? cause.line - kAround : 0;
  for (size_t i = std::min(reading.bodies.size(), cause.line + kAround); i-- > begin;) {
    std::string name;
    const bool other = reading.tracebacks.is_inside[i] || IsBatchRecord(reading.bodies[i].text);
    if (other || !IsOfRank(reading, i, cause.rank)) continue;
    if (!re2::RE2::PartialMatch(Piece(reading.bodies[i].text), kFile, &name)) continue;
    trace->figures.push_back("the file named beside it: " + name);
    trace->lines.push_back(i);
    return;
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

std::string_view AdviceOn(const MemoryTrace& trace) {
  constexpr std::pair<std::string_view, std::string_view> kAdvice[] = {
      {"one extreme sample", "take the sample named out, or cap its size, before the next start; batch by tokens"},
      {"leak",
       "look for what holds on to tensors: losses kept with their graph (append loss.item()), caches without a limit"},
      {"fragmentation", "where reserved memory is unused: PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True"},
      {"model too large",
       "the weights alone do not fit: shard them (FSDP, ZeRO-3, device_map), quantise, or free the GPU of other "
       "processes"},
      {"other process",
       "nvidia-smi names the other process on that GPU: end it, or give each rank a device of its own"},
  };
  for (const auto& [kind, advice] : kAdvice) {
    if (trace.kind == kind) return advice;
  }
  return {};
}

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

MemoryTrace TraceMemory(const Reading& reading, const Suspect& cause) {
  MemoryTrace trace;
  JudgeReport(ReadMemoryReport(reading.text(cause.line)), &trace);
  const auto recorded = FindBatchInFlight(reading, cause.line, cause.rank);
  recorded ? JudgeRecordedBatch(*recorded, &trace) : JudgeBatch(reading, cause, &trace);
  if (!recorded || recorded->batch.ids.empty()) TellSampledRows(reading, cause, &trace);
  NameFile(reading, cause, &trace);
  JudgeTrend(reading, cause, &trace);
  constexpr int64_t kFirstSteps = 3;
  bool early = std::none_of(reading.points.begin(), reading.points.end(), [&](const Point& point) {
    return point.line < cause.line && point.step.value_or(0) > kFirstSteps;
  });
  if (trace.kind.empty() && WasLoading(reading, cause)) trace.kind = "model too large";
  if (trace.kind.empty() && early) trace.kind = "batch size too large";
  return trace;
}

}  // namespace rankscope::diagnose
