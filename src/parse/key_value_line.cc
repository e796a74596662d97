#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "parse/metric_formats.h"
#include "parse/metric_names.h"
#include "parse/number.h"
#include "parse/step_prefix.h"

namespace rankscope::parse {
namespace {

constexpr int kMostWordsOfName = 6;

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool IsNameByte(char c) { return IsAlpha(c) || IsDigit(c) || c == '_' || c == '/' || c == '.' || c == '-'; }

size_t SkipSpaces(std::string_view text, size_t at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
  return at;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return lower;
}

struct Value {
  double number;
  std::string_view unit;  // the letters stuck to it or one space after it
  size_t end;
};

// Three digits and no fourth: what follows a comma within "7,123".
bool IsThousands(std::string_view text) { return std::min(text.find_first_not_of("0123456789"), text.size()) == 3; }

// The value that begins at `at`: a number, with thousands' commas, and its unit.
std::optional<Value> ValueAt(std::string_view text, size_t at) {
  size_t end = at;
  if (at >= text.size() || std::string_view("0123456789.+-nNiI").find(text[at]) == std::string_view::npos) {
    return std::nullopt;
  }
  if (end < text.size() && (text[end] == '-' || text[end] == '+')) ++end;
  std::string_view word = text.substr(end, 3);
  bool named = word == "nan" || word == "inf" || word == "NaN" || word == "Inf" || word == "NAN" || word == "INF";
  if (named) end += text.substr(end, 8) == "Infinity" ? 8 : 3;
  const size_t named_end = end;
  if (named && text.substr(end, 2) == ".0") end += 2;  // Lightning pads to "nan.0"
  while (!named && end < text.size()) {
    char c = text[end];
    bool exponent = (c == 'e' || c == 'E') && end > at && IsDigit(text[end - 1]) && end + 1 < text.size() &&
                    (IsDigit(text[end + 1]) || text[end + 1] == '-' || text[end + 1] == '+');
    bool sign = (c == '-' || c == '+') && end > at && (text[end - 1] == 'e' || text[end - 1] == 'E');
    bool comma = c == ',' && end > at && IsDigit(text[end - 1]) && IsThousands(text.substr(end + 1));
    if (!IsDigit(c) && c != '.' && !exponent && !sign && !comma) break;
    ++end;
  }
  if (end > at && text[end - 1] == '.') --end;
  if (end == at) return std::nullopt;
  auto number = ParseNumber(text.substr(at, (named ? named_end : end) - at));
  if (!number) return std::nullopt;
  size_t unit = end < text.size() && text[end] == ' ' ? end + 1 : end, unit_end = unit;
  while (unit_end < text.size() && (IsAlpha(text[unit_end]) || text[unit_end] == '/')) ++unit_end;
  // "325: …" is a number; "10%", "2025-04-05" and "12:00:00" are none.
  bool glued =
      end < text.size() && (text[end] == '_' || (named && IsDigit(text[end])) || text[end] == '-' || text[end] == '.');
  bool share = end < text.size() && text[end] == '%';
  bool clock = end + 1 < text.size() && text[end] == ':' && IsDigit(text[end + 1]);
  if (glued || share || clock || (named && unit == end && unit_end > unit)) return std::nullopt;
  return Value{*number, text.substr(unit, unit_end - unit), end};
}

// The unit of an amount of memory: its own, that of what it is a part of ("71.2/80 GB"), or its name's.
std::string_view UnitOfMemory(std::string_view text, std::string_view name, const Value& value) {
  if (IsUnitOfMemory(value.unit)) return value.unit;
  const size_t slash = SkipSpaces(text, value.end);
  auto whole = slash < text.size() && text[slash] == '/' ? ValueAt(text, SkipSpaces(text, slash + 1)) : std::nullopt;
  return whole && IsUnitOfMemory(whole->unit) ? whole->unit : UnitOfName(name);
}

// A name that begins at a word and what it stands for.
struct Match {
  std::string_view name, canonical;
  Value value;
  bool bound;  // by a colon or an equals sign; else the two only stand side by side
};

bool IsBound(std::string_view text, size_t end) {
  size_t at = SkipSpaces(text, end);
  return at < text.size() && (text[at] == ':' || text[at] == '=');
}

// Where the value of a name that ends at `end` begins: after spaces, a colon or an equals sign, an opening bracket,
// which may be numpy's "np.float64(".
size_t ValueBegin(std::string_view text, size_t end) {
  size_t at = SkipSpaces(text, end);
  if (at < text.size() && (text[at] == ':' || text[at] == '=')) at = SkipSpaces(text, at + 1);
  if (at > end && text.substr(at).starts_with("np.float")) at = std::min(text.find('(', at), text.size());
  if (at > end && at < text.size() && (text[at] == '(' || text[at] == '[')) ++at;
  return at;
}

// The longest known name that begins at `begin` and has a value.
std::optional<Match> MatchAt(std::string_view text, size_t begin) {
  std::optional<Match> best;
  size_t end = begin;
  for (int words = 0; words < kMostWordsOfName; ++words) {
    bool bracketed = end < text.size() && text[end] == '(';
    if (bracketed) {
      size_t close = text.find(')', end);
      if (close == std::string_view::npos || close - end > 20) break;
      end = close + 1;
    }
    while (end < text.size() && IsNameByte(text[end])) ++end;
    std::string_view name = text.substr(begin, end - begin);
    size_t at = ValueBegin(text, end);
    auto value = at > end ? ValueAt(text, at) : std::nullopt;  // first: it is cheap, and most words have none
    std::string_view canonical = value ? CanonicalName(name) : std::string_view();
    if (value && canonical.empty() && NamesGpuMemory(name) && !UnitOfMemory(text, name, *value).empty())
      canonical = "gpu_memory_gib";
    if (!canonical.empty()) best = Match{name, canonical, *value, IsBound(text, end)};
    if (end >= text.size()) break;
    if (text[end] == '(') continue;
    if (text[end] != ' ' || end + 1 >= text.size() || (!IsNameByte(text[end + 1]) && text[end + 1] != '(')) break;
    ++end;
  }
  return best;
}

constexpr std::array<std::string_view, 19> kHarmless = {
    "train", "training", "current", "running",   "average", "avg", "mean", "global", "info",  "warning",
    "debug", "at",       "rank",    "completed", "nan",     "inf", "gpu",  "cuda",   "device"};

// Whether a logger's level stands before the word there: "INFO trainer step 5".
bool FollowsLevel(std::string_view text, size_t word) {
  static constexpr std::array<std::string_view, 6> kLevels = {"INFO", "WARNING", "DEBUG", "WARN", "ERROR", "[INFO]"};
  text = text.substr(0, text.substr(0, word).find_last_not_of(" :-|") + 1);
  return std::any_of(kLevels.begin(), kLevels.end(), [&](std::string_view level) { return text.ends_with(level); });
}

constexpr std::array<std::string_view, 6> kEvaluation = {"valid", "validation", "val", "eval", "evaluation", "test"};

bool IsOneOf(const auto& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// "val loss", "mtp_1 loss": the word before makes it another metric, unless it is the logger's name before a step.
bool IsQualified(std::string_view text, size_t begin, std::string_view canonical) {
  if (begin < 2 || text[begin - 1] != ' ') return false;
  size_t word = begin - 1;
  while (word > 0 && (IsNameByte(text[word - 1]))) --word;
  std::string before(text.substr(word, begin - 1 - word));
  if (size_t number = before.find_last_not_of("0123456789") + 1; number > 0 && before[number - 1] == '_') {
    before.resize(number);
  }
  if (before.empty() || !std::all_of(before.begin(), before.end(), [](char c) { return IsAlpha(c) || c == '_'; })) {
    return false;
  }
  if (IsOneOf(kHarmless, Lower(before))) return false;
  const bool counts = canonical == "step" || canonical == "epoch";
  return !counts || IsOneOf(kEvaluation, Lower(before)) || !FollowsLevel(text, word);
}

// Whether a name may begin there: behind what is no part of one, or behind a value, as in "epoch=0/global_step=150".
// What an address asks for is no metric.
bool MayBegin(std::string_view text, size_t at) {
  if (!IsAlpha(text[at])) return false;
  if (at == 0) return true;
  if (text[at - 1] == '?' || text[at - 1] == '&') return false;
  if (!IsNameByte(text[at - 1])) return true;
  size_t value = at - 1;
  while (value > 0 && IsDigit(text[value - 1])) --value;
  return text[at - 1] == '/' && value > 0 && value < at - 1 && text[value - 1] == '=';
}

double Multiplier(std::string_view unit) {
  if (unit == "K" || unit == "k") return 1e3;
  if (unit == "M") return 1e6;
  if (unit == "G" || unit == "B") return 1e9;
  if (unit == "T") return 1e12;
  return 1;
}

void AddTime(const Match& match, model::Fields* fields) {
  std::string_view unit = match.value.unit;
  bool bare =
      match.name.size() == 4;  // "time": of a step in ms, or without a unit; "time 62.2s" may be the whole run's
  if (bare && (unit.starts_with('s') || match.value.number > 1000) && unit != "ms") return;
  double scale = unit == "ms" ? 1e-3 : Multiplier(unit);
  AddMetric(match.name, match.value.number * scale, fields);
}

void AddMatch(std::string_view text, const Match& match, model::Fields* fields) {
  const bool scaled = !CanonicalName(match.name).empty() && match.name.find("mb") != std::string_view::npos;
  if (match.canonical == "gpu_memory_gib" && !scaled) {
    const double gib = Gibibytes(match.value.number, UnitOfMemory(text, match.name, match.value));
    if (!model::FindField(*fields, match.canonical)) fields->emplace_back(match.canonical, gib);
    return AddMetric(match.name, match.value.number, fields);
  }
  if (match.canonical == "step_time_s") return AddTime(match, fields);
  bool first_step = match.canonical == "step" && !model::FindField(*fields, "step");
  AddMetric(match.name, match.value.number * Multiplier(match.value.unit), fields);
  size_t slash = SkipSpaces(text, match.value.end);
  if (!first_step || slash >= text.size() || text[slash] != '/') return;
  if (auto total = ValueAt(text, SkipSpaces(text, slash + 1))) AddMetric("total_steps", total->number, fields);
}

// A bar that carries no metric counts training steps only where its label says so or there is none: weights are loaded,
// data is mapped and files are fetched under bars, too.
bool NamesTraining(std::string_view plain) {
  size_t begin = plain.find_first_not_of(" \r\t"), percent = plain.find('%');
  if (begin == std::string_view::npos || percent == std::string_view::npos) return false;
  if (IsDigit(plain[begin])) return true;
  for (std::string_view label : {"train", "epoch", "step", "iter"}) {
    auto same = [](char a, char b) { return (a | 0x20) == b; };  // letters, whatever their case
    std::string_view start = plain.substr(begin, label.size());
    if (std::equal(start.begin(), start.end(), label.begin(), label.end(), same)) return true;
  }
  return false;
}

}  // namespace

void AddProgressBar(std::string_view plain, model::Fields* fields) {
  for (size_t open = plain.find(" ["); open != std::string_view::npos; open = plain.find(" [", open + 1)) {
    size_t total = open, step;
    while (total > 0 && IsDigit(plain[total - 1])) --total;
    if (total == open || total == 0 || plain[total - 1] != '/') continue;
    step = total - 1;
    while (step > 0 && IsDigit(plain[step - 1])) --step;
    auto n = ParseNumber(plain.substr(step, total - 1 - step)), of = ParseNumber(plain.substr(total, open - total));
    if (!n || !of) continue;
    AddMetric("step", *n, fields);
    AddMetric("total_steps", *of, fields);
    std::string_view inside = plain.substr(open, plain.find(']', open) - open);
    for (auto [unit, name] : {std::pair{"s/it", "step_time_s"}, {"it/s", "it/s"}}) {
      size_t end = inside.find(unit), begin = end;
      if (end == std::string_view::npos) continue;
      while (begin > 0 && (IsDigit(inside[begin - 1]) || inside[begin - 1] == '.')) --begin;
      auto rate = ParseNumber(inside.substr(begin, end - begin));
      if (rate && *rate > 0) AddMetric("step_time_s", unit[0] == 's' ? *rate : 1 / *rate, fields);
    }
    return;
  }
}

namespace {

// Whether the word that stands there is a segment of its line: between bars, brackets, a colon, or dashes with blanks.
bool IsSegment(std::string_view text, size_t begin, size_t end) {
  const size_t before = text.substr(0, begin).find_last_not_of(' '), after = SkipSpaces(text, end);
  if (after >= text.size()) return false;
  const bool begins = before == std::string_view::npos || text[before] == '|' || text[before] == '[' ||
                      (text[before] == '-' && before + 1 < begin);
  const size_t value = SkipSpaces(text, after + 1);
  const bool has_value = before != std::string_view::npos && value < text.size() && IsDigit(text[value]);
  return begins && (text[after] == '|' || text[after] == ']' || (text[after] == ':' && !has_value) ||
                    (text[after] == '-' && after > end));
}

// "validation | step 500 | loss 2.9", "[eval] step: 500 loss: 2.9": what one segment says of all of the line.
bool IsOfEvaluation(std::string_view line) {
  const std::string text = Lower(line);
  for (std::string_view common : {"val", "test"}) {
    for (size_t at = text.find(common); at != std::string::npos; at = text.find(common, at + 1)) {
      size_t begin = at, end = at;
      while (begin > 0 && IsAlpha(text[begin - 1])) --begin;
      while (end < text.size() && IsAlpha(text[end])) ++end;
      const std::string_view word = std::string_view(text).substr(begin, end - begin);
      if (IsOneOf(kEvaluation, word) && IsSegment(text, begin, end)) return true;
    }
  }
  return false;
}

// Without a loss names and numbers side by side are prose ("from epoch 3, step 4500, lr 0.1"), and one value may be it
// with a loss, too.
bool IsMetricLine(const model::Fields& found, bool has_structure) {
  auto is_another = [](const auto& field) {
    return field.first != "loss" && CanonicalName(field.first) == field.first;
  };
  if (model::FindField(found, "loss")) return std::any_of(found.begin(), found.end(), is_another);
  return found.size() >= 3 && has_structure;
}

// "34.1 GiB allocated", "[GPU: 61.0 GB peak]": behind the amount stands of what it is.
bool IsAmountOfGpu(std::string_view text, size_t begin, const Value& value) {
  const auto unit_end = static_cast<size_t>(value.unit.data() - text.data()) + value.unit.size();
  const size_t word = SkipSpaces(text, unit_end);
  size_t end = word;
  while (end < text.size() && IsAlpha(text[end])) ++end;
  const std::string after = Lower(text.substr(word, end - word));
  if (word == unit_end || !(NamesGpuMemory(after) || after == "used" || after == "peak")) return false;
  const size_t label_end = text.substr(0, begin).find_last_not_of(' ') + 1;
  if (label_end == 0 || text[label_end - 1] == '/') return false;
  if (text[label_end - 1] != ':' && text[label_end - 1] != '=') return true;
  size_t label = label_end - 1;
  while (label > 0 && IsNameByte(text[label - 1])) --label;
  const std::string name = Lower(text.substr(label, label_end - 1 - label));
  return name == "gpu" || name == "cuda" || name == "device" || NamesGpuMemory(name);
}

// What no name before its value told.
void AddAmountOfGpu(std::string_view text, model::Fields* fields) {
  if (model::FindField(*fields, "gpu_memory_gib") || text.find("B ") == std::string_view::npos) return;
  for (size_t at = 1; at < text.size(); ++at) {
    if (!IsDigit(text[at]) || IsNameByte(text[at - 1])) continue;
    auto value = ValueAt(text, at);
    if (!value) continue;
    if (IsUnitOfMemory(value->unit) && IsAmountOfGpu(text, at, *value))
      return AddMetric("gpu_memory_gib", Gibibytes(value->number, value->unit), fields);
    at = value->end;
  }
}

bool MayBeName(std::string_view word) { return BeginsName(word) || NamesGpuMemory(word); }

}  // namespace

bool ParseKeyValueLine(std::string_view plain, model::Fields* fields) {
  model::Fields found;
  AddStepPrefix(plain, &found);
  bool has_structure = !found.empty();
  for (size_t at = 0; at < plain.size();) {
    const bool begins = MayBegin(plain, at);
    size_t end = at + 1;
    while (begins && end < plain.size() && IsNameByte(plain[end])) ++end;
    auto match = begins && MayBeName(plain.substr(at, end - at)) ? MatchAt(plain, at) : std::nullopt;
    if (match && !IsQualified(plain, at, match->canonical)) {
      AddMatch(plain, *match, &found);
      has_structure = has_structure || match->bound;
    }
    at = match ? match->value.end : end;
  }
  const size_t named = found.size();
  if (named > 0 || NamesTraining(plain)) AddProgressBar(plain, &found);
  if (!IsMetricLine(found, has_structure || found.size() > named) || IsOfEvaluation(plain)) return false;
  AddAmountOfGpu(plain, &found);
  *fields = std::move(found);
  return true;
}

}  // namespace rankscope::parse
