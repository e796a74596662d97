#include "diagnose/suspects/printed_batch.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "diagnose/reading/batch_words.h"
#include "diagnose/verdict/figures.h"

namespace rankscope::diagnose {
namespace {

using Kind = PrintedSize::Kind;

constexpr size_t kAround = 60;  // lines before and after the report that may show the batch

bool IsRecord(std::string_view text) {
  return text.starts_with('{') && text.find("\"stream\":") != std::string_view::npos;
}

bool IsOfRank(const Reading& reading, size_t line, std::optional<int32_t> rank) {
  return !rank || !reading.ranks[line] || reading.ranks[line] == rank;
}

// Where the rank's last report before the failure stands: what it printed until then is of steps that ended well.
size_t LastReport(const Reading& reading, const Suspect& cause, size_t begin) {
  for (const Point& point : reading.points) {
    const bool own = cause.rank && point.rank == cause.rank && point.line < cause.line;
    if (own) begin = std::max(begin, point.line + 1);
  }
  return begin;
}

// Where it reports again, if it outlived the failure: what it printed from there on is of later batches.
size_t NextReport(const Reading& reading, const Suspect& cause, size_t end) {
  for (const Point& point : reading.points) {
    if (point.rank == cause.rank && point.line > cause.line) end = std::min(end, point.line);
  }
  return end;
}

std::vector<size_t> LinesInFlight(const Reading& reading, const Suspect& cause) {
  std::vector<size_t> lines;
  const size_t end = NextReport(reading, cause, std::min(reading.bodies.size(), cause.line + kAround));
  size_t i = LastReport(reading, cause, cause.line > kAround ? cause.line - kAround : 0);
  for (; i < end; ++i) {
    const std::string_view text = reading.bodies[i].text;
    const bool report = IsRecord(text) || text.find("Tried to allocate") != std::string_view::npos;
    if (!report && !reading.tracebacks.is_inside[i] && IsOfRank(reading, i, cause.rank)) lines.push_back(i);
  }
  return lines;
}

struct SizeInFlight {
  size_t line = 0;
  PrintedSize size;
  std::optional<double> times;  // the usual
  bool same_samples = false;    // as usual but for their number: [32, 2048] of [8, 2048]
};

// Of lists of lengths the others in the list stand for what was not printed before.
std::optional<double> UsualIn(const PrintedSize& size) {
  constexpr size_t kFewest = 4;
  if (size.kind != Kind::kLengths || size.numbers.size() < kFewest) return std::nullopt;
  return MedianOf(size.numbers);
}

void CompareWithBefore(const Reading& reading, SizeInFlight* found) {
  constexpr size_t kFewest = 3;
  std::vector<double> before;
  size_t alike = 0;
  const std::vector<double>& own = found->size.numbers;
  for (size_t i = 0; i < found->line; ++i) {
    const std::string_view text = reading.bodies[i].text;
    if (text.find(found->size.label) == std::string_view::npos || IsRecord(text)) continue;
    for (const PrintedSize& size : ReadBatchWords(text).sizes) {
      if (size.label != found->size.label || size.kind != found->size.kind) continue;
      before.push_back(size.amount());
      const bool same = size.numbers.size() == 2 && own.size() == 2 && size.numbers[1] == own[1];
      alike += same && size.numbers[0] != own[0] ? 1 : 0;
    }
  }
  found->same_samples = alike * 2 > before.size();
  const auto usual = before.size() >= kFewest ? std::optional(MedianOf(std::move(before))) : UsualIn(found->size);
  if (usual && *usual > 0) found->times = found->size.amount() / *usual;
}

// The largest of each label, those furthest from the usual first.
std::vector<SizeInFlight> SizesInFlight(const Reading& reading, const std::vector<size_t>& lines) {
  std::map<std::string, SizeInFlight> largest;
  for (size_t line : lines) {
    for (PrintedSize& size : ReadBatchWords(reading.bodies[line].text).sizes) {
      auto [known, fresh] = largest.try_emplace(size.label, SizeInFlight{line, size, {}, false});
      if (!fresh && size.amount() >= known->second.size.amount()) known->second = {line, std::move(size), {}, false};
    }
  }
  std::vector<SizeInFlight> found;
  for (auto& [label, size] : largest) {
    CompareWithBefore(reading, &size);
    found.push_back(std::move(size));
  }
  std::stable_sort(found.begin(), found.end(), [](const SizeInFlight& a, const SizeInFlight& b) {
    return a.times.value_or(0) > b.times.value_or(0);
  });
  return found;
}

// Without earlier ones to compare with: a picture of 16 million values is none that a training expects.
constexpr double kHuge = 16'000'000;

std::string_view KindBy(const SizeInFlight& found) {
  const Kind kind = found.size.kind;
  const bool of_batch = kind == Kind::kTotal || kind == Kind::kSamples || found.same_samples;
  if (!found.times) return kind == Kind::kShape && found.size.amount() > kHuge ? kExtremeSample : "";
  if (of_batch) return *found.times > kLarger ? kLargeBatch : "";
  return *found.times > kExtreme ? kExtremeSample : "";
}

std::string FigureOf(const SizeInFlight& found, const std::vector<std::string>& ids) {
  const PrintedSize& size = found.size;
  std::string text = "the batch in flight: " + size.label + " " + size.shown;
  if (size.kind == Kind::kLengths && size.numbers.size() > 1) {
    const auto at = std::max_element(size.numbers.begin(), size.numbers.end()) - size.numbers.begin();
    text += ", the longest " + std::to_string(std::llround(size.amount()));
    if (ids.size() == size.numbers.size()) text += " of sample " + ids[static_cast<size_t>(at)];
  }
  return text + (found.times ? ", " + Hundredths(*found.times) + " times the usual size" : "");
}

}  // namespace

std::string NamesOf(const std::vector<std::string>& ids) {
  constexpr size_t kMostNamed = 8;
  std::string names;
  for (size_t i = 0; i < std::min(ids.size(), kMostNamed); ++i) names += (i > 0 ? ", " : "") + ids[i];
  return ids.size() > kMostNamed ? names + ", … (" + std::to_string(ids.size()) + ")" : names;
}

bool JudgePrintedBatch(const Reading& reading, const Suspect& cause, MemoryTrace* trace) {
  constexpr size_t kMostTold = 3;
  const std::vector<size_t> lines = LinesInFlight(reading, cause);
  std::vector<SizeInFlight> sizes = SizesInFlight(reading, lines);
  BatchWords samples;
  for (size_t line : lines) {
    BatchWords words = ReadBatchWords(reading.bodies[line].text);
    const bool of_largest = sizes.empty() || line <= sizes.front().line || samples.ids.empty();
    if (words.ids.empty() || !of_largest) continue;
    samples = std::move(words);
    trace->lines.push_back(line);
  }
  if (trace->lines.size() > 1) trace->lines.erase(trace->lines.begin(), trace->lines.end() - 1);
  if (!samples.ids.empty()) {
    trace->figures.push_back("the batch in flight: " + std::string(samples.id_label) + " " + NamesOf(samples.ids));
  }
  if (sizes.size() > kMostTold) sizes.resize(kMostTold);
  for (const SizeInFlight& found : sizes) {
    trace->figures.push_back(FigureOf(found, samples.ids));
    if (std::count(trace->lines.begin(), trace->lines.end(), found.line) == 0) trace->lines.push_back(found.line);
    if (trace->kind.empty() || KindBy(found) == kExtremeSample) trace->kind = KindBy(found);
  }
  return !samples.ids.empty();
}

void NameFile(const Reading& reading, const Suspect& cause, MemoryTrace* trace) {
  static const re2::RE2 kFile(
      R"(([\w./~-]+\.(?:jpe?g|png|webp|tiff?|bmp|mp4|avi|wav|flac|npy|npz|parquet|jsonl?|tar|arrow|h5|tfrecord|nii(?:\.gz)?|dcm))\b)"),
      kOfTheRun(
          R"((?i)\b(?:sav(?:ed?|ing)|wr(?:ote|iting|itten)|logg(?:ed|ing)|dump(?:ed|ing)?|checkpoint\w*)\b|config|(?:state|index|args|params|error|report)\.json)");
  const std::vector<size_t> lines = LinesInFlight(reading, cause);
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    const re2::StringPiece text(reading.bodies[*line].text.data(), reading.bodies[*line].text.size());
    std::string name;
    if (re2::RE2::PartialMatch(text, kOfTheRun) || !re2::RE2::PartialMatch(text, kFile, &name)) continue;
    trace->figures.push_back("the file named beside it: " + name);
    trace->lines.push_back(*line);
    return;
  }
}

}  // namespace rankscope::diagnose
