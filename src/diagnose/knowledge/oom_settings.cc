#include "diagnose/knowledge/oom_settings.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>

namespace rankscope::diagnose {
namespace {

constexpr char kOom[] = "cuda_oom";
constexpr double kNoticed = 0.05;
constexpr size_t kMost = 10;
constexpr size_t kMostTexts = 20;
constexpr size_t kMostValues = 1000;

// Where it ran, when, as whom: what differs from job to job whatever it does.
bool SaysHowItRan(const std::string& name) {
  bool environment = name.starts_with("environment.");
  bool of_memory = name.find("CUDA") != std::string::npos || name.find("NCCL") != std::string::npos;
  return !(environment && !of_memory) && name != "command" && name != "directory";
}

std::optional<double> NumberOf(const std::string& text) {
  char* end = nullptr;
  double number = std::strtod(text.c_str(), &end);
  bool whole = !text.empty() && *end == '\0' && std::isfinite(number);
  return whole ? std::optional(number) : std::nullopt;
}

}  // namespace

double ChanceOfAtLeast(size_t hits, size_t drawn, size_t marked, size_t all) {
  if (hits * all <= drawn * marked) return 1;
  auto choose = [](size_t n, size_t k) {
    auto factorial = [](size_t number) { return std::lgamma(static_cast<double>(number) + 1); };
    return factorial(n) - factorial(k) - factorial(n - k);
  };
  // Past what is to be expected each term is less than the one before.
  constexpr double kNothing = 1e-12;
  double term = std::exp(choose(marked, hits) + choose(all - marked, drawn - hits) - choose(all, drawn));
  double chance = 0;
  for (size_t k = hits; k <= std::min(drawn, marked) && term > kNothing * chance; ++k) {
    chance += term;
    const double left_unmarked = static_cast<double>(all - marked) - static_cast<double>(drawn - k) + 1;
    term *=
        static_cast<double>(marked - k) * static_cast<double>(drawn - k) / (static_cast<double>(k + 1) * left_unmarked);
  }
  return std::min(1.0, chance);
}

void OomSettings::Count(const JobFacts& facts, int64_t sign) {
  const int64_t oom = facts.failure == kOom ? sign : 0;
  for (const auto& [name, value] : facts.settings) {
    if (!SaysHowItRan(name)) continue;
    Setting& setting = settings_[name];
    if (setting.given_up) continue;
    Tally& tally = setting.values[value];
    tally.jobs += sign;
    tally.ooms += oom;
    if (tally.jobs == 0) setting.values.erase(value);
    if (setting.values.size() <= kMostValues) continue;
    setting.values.clear();
    setting.given_up = true;
  }
}

// A setting that is given up is null.
nlohmann::json OomSettings::ToJson() const {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, setting] : settings_) {
    nlohmann::json values = setting.given_up ? nlohmann::json() : nlohmann::json::object();
    for (const auto& [value, tally] : setting.values) values[value] = {tally.jobs, tally.ooms};
    json[name] = std::move(values);
  }
  return json;
}

OomSettings OomSettings::FromJson(const nlohmann::json& json) {
  OomSettings read;
  for (const auto& [name, values] : json.items()) {
    Setting& setting = read.settings_[name];
    setting.given_up = values.is_null();
    for (const auto& [value, tally] : values.items()) setting.values[value] = {tally.at(0), tally.at(1)};
  }
  return read;
}

OomSettings::Tally OomSettings::SumOf(const Setting& setting) {
  Tally sum;
  for (const auto& [text, tally] : setting.values) {
    sum.jobs += tally.jobs;
    sum.ooms += tally.ooms;
  }
  return sum;
}

// "At least" and "less than" each of the numbers but the least.
std::vector<OomSettings::Split> OomSettings::NumberSplits(const std::map<double, Tally>& numbers, const Tally& all) {
  std::vector<Split> splits;
  Tally below;
  for (const auto& [number, tally] : numbers) {
    if (below.jobs > 0) {
      char shown[32];
      std::snprintf(shown, sizeof shown, "%.6g", number);
      splits.push_back({std::string(">= ") + shown, {all.jobs - below.jobs, all.ooms - below.ooms}});
      splits.push_back({std::string("< ") + shown, below});
    }
    below.jobs += tally.jobs;
    below.ooms += tally.ooms;
  }
  return splits;
}

// Every way to part the jobs by this setting.
std::vector<OomSettings::Split> OomSettings::SplitsOf(const Setting& setting) {
  std::map<double, Tally> numbers;
  bool is_number = true;
  for (const auto& [text, tally] : setting.values) {
    auto number = NumberOf(text);
    is_number = is_number && number;
    Tally& of = numbers[number.value_or(0)];
    of.jobs += tally.jobs;
    of.ooms += tally.ooms;
  }
  if (setting.values.size() < 2) return {};
  if (is_number) return NumberSplits(numbers, SumOf(setting));
  std::vector<Split> splits;
  if (setting.values.size() > kMostTexts) return splits;
  for (const auto& [text, tally] : setting.values) splits.push_back({text, tally});
  return splits;
}

std::vector<Insights::Setting> OomSettings::Noticed() const {
  std::vector<Insights::Setting> best;
  size_t tried = 0;
  for (const auto& [name, setting] : settings_) {
    const Tally all = SumOf(setting);
    std::optional<Insights::Setting> least;
    for (const Split& split : SplitsOf(setting)) {
      ++tried;
      auto count = [](int64_t number) { return static_cast<size_t>(number); };
      double chance = ChanceOfAtLeast(count(split.with.ooms), count(split.with.jobs), count(all.ooms), count(all.jobs));
      if (least && least->chance <= chance) continue;
      least = Insights::Setting{name,
                                split.shown,
                                count(split.with.jobs),
                                count(split.with.ooms),
                                count(all.jobs - split.with.jobs),
                                count(all.ooms - split.with.ooms),
                                chance};
    }
    if (least) best.push_back(*least);
  }
  for (auto& setting : best) setting.chance = std::min(1.0, setting.chance * static_cast<double>(tried));
  std::erase_if(best, [](const auto& setting) { return setting.chance >= kNoticed; });
  std::stable_sort(best.begin(), best.end(), [](const auto& a, const auto& b) { return a.chance < b.chance; });
  if (best.size() > kMost) best.resize(kMost);
  return best;
}

}  // namespace rankscope::diagnose
