#include "diagnose/reading/sampler_settings.h"

#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace rankscope::diagnose {
namespace {

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

std::optional<int64_t> Integer(std::string digits) {
  std::erase(digits, ',');
  int64_t number = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() && end == digits.data() + digits.size() ? std::optional(number) : std::nullopt;
}

// The counts below a heading, by the words before them.
struct Heading {
  size_t line = 0;
  std::map<std::string, int64_t, std::less<>> counts;
  bool open = false;

  int64_t Count(std::string_view words) const {
    auto found = counts.find(words);
    return found == counts.end() ? 0 : found->second;
  }
};

void TakeLine(std::string_view text, size_t line, Heading* heading) {
  static const re2::RE2 kCount(
      R"(((?:Num|Number|Total|Instantaneous|Gradient) [A-Za-z][\w ]*?)(?: \(.*\))? = ([\d,]+)$)");
  if (text.find("***** Running ") != std::string_view::npos) {
    const bool trains = text.find("Running training") != std::string_view::npos;
    if (trains) *heading = {line, {}, true};
    heading->open = trains;
    return;
  }
  std::string words, digits;
  if (!heading->open || !re2::RE2::PartialMatch(Piece(text), kCount, &words, &digits)) return;
  if (auto count = Integer(digits)) heading->counts[words] = *count;
}

Heading LastHeading(const Reading& reading) {
  Heading heading;
  for (size_t i = 0; i < reading.bodies.size(); ++i) {
    if (reading.text(i).find(" = ") == std::string_view::npos &&
        reading.text(i).find("*****") == std::string_view::npos)
      continue;
    TakeLine(reading.bodies[i].text, i, &heading);
  }
  return heading;
}

// Loops of one's own that print the same heading do not count their parameters.
std::optional<SamplerSettings> Counted(const Heading& heading) {
  SamplerSettings read;
  read.line = heading.line;
  read.rows = heading.Count("Num examples");
  read.epochs = heading.Count("Num Epochs");
  read.batch = heading.Count("Instantaneous batch size per device");
  read.accumulation = heading.Count("Gradient Accumulation steps");
  read.total_steps = heading.Count("Total optimization steps");
  if (int64_t told = heading.Count("Num update steps per epoch")) read.steps_per_epoch = told;
  const int64_t together = heading.Count("Total train batch size"), of_rank = read.batch * read.accumulation;
  const bool whole = read.rows > 0 && read.epochs > 0 && of_rank > 0 && read.total_steps > 0 && together > 0;
  if (!whole || together % of_rank != 0 || heading.counts.count("Number of trainable parameters") == 0) return {};
  read.world = together / of_rank;
  return read;
}

// What was given for each of these, everywhere: "--seed 7", "seed=7,", "'seed': 7", "\"seed\": 7".
using Given = std::map<std::string, std::set<std::string>, std::less<>>;

void TakeSettings(std::string_view text, Given* given) {
  static const std::string kNames =
      "(data[_-]seed|seed|group[_-]by[_-]length|train[_-]sampling[_-]strategy|dataloader[_-]drop[_-]last|"
      "split[_-]batches|dispatch[_-]batches|even[_-]batches|use[_-]seedable[_-]sampler|ignore[_-]data[_-]skip|"
      "streaming|transformers_version)";
  static const re2::RE2 kSetting("--" + kNames + R"(\b(?:[ =]+([\w.]+))?|(?:^|[^\w.-])[\\"']*)" + kNames +
                                 R"([\\"']*\s*[=:]\s*[\\"']*([\w.]+))");
  re2::StringPiece rest = Piece(text);
  std::string option, option_value, name, value;
  while (re2::RE2::FindAndConsume(&rest, kSetting, &option, &option_value, &name, &value)) {
    if (name.empty()) std::tie(name, value) = std::pair(option, option_value.empty() ? "true" : option_value);
    std::replace(name.begin(), name.end(), '-', '_');
    std::transform(value.begin(), value.end(), value.begin(), [](unsigned char c) { return std::tolower(c); });
    if (value != "none" && value != "null") (*given)[name].insert(value);
  }
}

// Whether all are given as the Trainer has them by itself, so that it shuffles and each rank takes whole batches.
bool IsShuffledByBatches(const Given& given) {
  static const std::map<std::string_view, std::string_view> kDefaults = {
      {"group_by_length", "false"},     {"train_sampling_strategy", "random"}, {"dataloader_drop_last", "false"},
      {"split_batches", "false"},       {"dispatch_batches", "false"},         {"even_batches", "true"},
      {"use_seedable_sampler", "true"}, {"ignore_data_skip", "false"},         {"streaming", "false"}};
  return std::all_of(kDefaults.begin(), kDefaults.end(), [&](const auto& setting) {
    auto found = given.find(setting.first);
    return found == given.end() || found->second == std::set<std::string>{std::string(setting.second)};
  });
}

// Releases before 4.38 have drawn from a generator that nobody seeded.
bool IsSeededRelease(const Given& given) {
  static const re2::RE2 kBefore(R"([0-3]\..*|4\.(?:\d|[0-2]\d|3[0-7])(?:\..*)?)");
  auto versions = given.find("transformers_version");
  return versions == given.end() ||
         std::none_of(versions->second.begin(), versions->second.end(),
                      [](const auto& version) { return re2::RE2::FullMatch(version, kBefore); });
}

// False: several are given, of which one is another library's, or of data that not every release heeds.
bool TakeSeed(const Given& given, SamplerSettings* settings) {
  std::set<std::string> seeds;
  for (const char* name : {"seed", "data_seed"}) {
    auto found = given.find(name);
    if (found == given.end()) continue;
    if (settings->steps_per_epoch) seeds.clear();
    seeds.insert(found->second.begin(), found->second.end());
  }
  settings->is_default_seed = seeds.empty();
  if (seeds.empty()) return true;
  auto seed = Integer(*seeds.begin());
  if (!seed || seeds.size() > 1) return false;
  settings->seed = *seed;
  return true;
}

bool HasRankBeyond(const Reading& reading, int64_t world) {
  return std::any_of(reading.ranks.begin(), reading.ranks.end(),
                     [&](const auto& rank) { return rank.value_or(0) >= world; });
}

}  // namespace

std::optional<SamplerSettings> ReadSamplerSettings(const Reading& reading) {
  auto settings = Counted(LastHeading(reading));
  if (!settings || HasRankBeyond(reading, settings->world)) return std::nullopt;
  Given given;
  for (size_t i = 0; i < reading.bodies.size(); ++i) {
    if (!reading.tracebacks.is_inside[i]) TakeSettings(reading.text(i), &given);
  }
  return IsShuffledByBatches(given) && IsSeededRelease(given) && TakeSeed(given, &*settings) ? settings : std::nullopt;
}

}  // namespace rankscope::diagnose
