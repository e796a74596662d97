#include "diagnose/knowledge/oom_settings.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <set>

namespace rankscope::diagnose {
namespace {

constexpr char kOom[] = "cuda_oom";
constexpr double kNoticed = 0.05;
constexpr size_t kMost = 10;

struct Value {
  std::string text;
  bool oom = false;
};
using Values = std::vector<Value>;  // one a job that has the setting

// Where it ran, when, as whom: what differs from job to job whatever it does.
bool SaysHowItRan(const std::string& name) {
  bool environment = name.starts_with("environment.");
  bool of_memory = name.find("CUDA") != std::string::npos || name.find("NCCL") != std::string::npos;
  return !(environment && !of_memory) && name != "command" && name != "directory";
}

std::map<std::string, Values> ValuesOf(const std::vector<JobFacts>& jobs) {
  std::map<std::string, Values> values;
  for (const JobFacts& facts : jobs) {
    for (const auto& [name, value] : facts.settings) {
      if (SaysHowItRan(name)) values[name].push_back({value, facts.failure == kOom});
    }
  }
  return values;
}

std::optional<double> NumberOf(const std::string& text) {
  char* end = nullptr;
  double number = std::strtod(text.c_str(), &end);
  bool whole = !text.empty() && *end == '\0' && std::isfinite(number);
  return whole ? std::optional(number) : std::nullopt;
}

Insights::Setting Split(const std::string& name, const std::string& shown, const Values& values,
                        const std::function<bool(const Value&)>& has) {
  Insights::Setting setting{name, shown, 0, 0, 0, 0, 1};
  for (const Value& value : values) {
    ++(has(value) ? setting.jobs : setting.other_jobs);
    if (value.oom) ++(has(value) ? setting.ooms : setting.other_ooms);
  }
  setting.chance = ChanceOfAtLeast(setting.ooms, setting.jobs, setting.ooms + setting.other_ooms, values.size());
  return setting;
}

// Every way to part the jobs by this setting.
std::vector<Insights::Setting> Splits(const std::string& name, const Values& values) {
  std::set<std::string> texts;
  std::set<double> numbers;
  for (const Value& value : values) {
    texts.insert(value.text);
    if (auto number = NumberOf(value.text)) numbers.insert(*number);
  }
  std::vector<Insights::Setting> splits;
  if (texts.size() < 2 || (texts.size() > 20 && numbers.size() < texts.size())) return splits;
  if (numbers.size() < texts.size()) {
    for (const std::string& text : texts) {
      splits.push_back(Split(name, text, values, [&](const Value& value) { return value.text == text; }));
    }
    return splits;
  }
  for (auto bound = std::next(numbers.begin()); bound != numbers.end(); ++bound) {
    char shown[32];
    std::snprintf(shown, sizeof shown, "%.6g", *bound);
    auto least = [&](const Value& value) { return *NumberOf(value.text) >= *bound; };
    auto most = [&](const Value& value) { return *NumberOf(value.text) < *bound; };
    splits.push_back(Split(name, std::string(">= ") + shown, values, least));
    splits.push_back(Split(name, std::string("< ") + shown, values, most));
  }
  return splits;
}

}  // namespace

double ChanceOfAtLeast(size_t hits, size_t drawn, size_t marked, size_t all) {
  auto choose = [](double n, double k) { return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1); };
  double total = choose(static_cast<double>(all), static_cast<double>(drawn)), chance = 0;
  for (size_t k = hits; k <= std::min(drawn, marked); ++k) {
    if (drawn - k > all - marked) continue;
    chance += std::exp(choose(static_cast<double>(marked), static_cast<double>(k)) +
                       choose(static_cast<double>(all - marked), static_cast<double>(drawn - k)) - total);
  }
  return std::min(1.0, chance);
}

std::vector<Insights::Setting> OomSettings(const std::vector<JobFacts>& jobs) {
  std::vector<Insights::Setting> best;
  size_t tried = 0;
  for (const auto& [name, values] : ValuesOf(jobs)) {
    auto splits = Splits(name, values);
    tried += splits.size();
    auto least = std::min_element(splits.begin(), splits.end(),
                                  [](const auto& a, const auto& b) { return a.chance < b.chance; });
    if (least != splits.end()) best.push_back(*least);
  }
  for (auto& setting : best) setting.chance = std::min(1.0, setting.chance * static_cast<double>(tried));
  std::erase_if(best, [](const auto& setting) { return setting.chance >= kNoticed; });
  std::stable_sort(best.begin(), best.end(), [](const auto& a, const auto& b) { return a.chance < b.chance; });
  if (best.size() > kMost) best.resize(kMost);
  return best;
}

}  // namespace rankscope::diagnose
