#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "diagnose/knowledge/insights.h"
#include "diagnose/knowledge/job_facts.h"

namespace rankscope::diagnose {

// Which settings go with running out of GPU memory. A setting that has a value of its own in nearly every job tells
// nothing and is given up. Thread-compatible.
class OomSettings {
 public:
  void Add(const JobFacts& facts) { Count(facts, 1); }
  void Remove(const JobFacts& facts) { Count(facts, -1); }  // REQUIRES that these facts were added

  nlohmann::json ToJson() const;
  static OomSettings FromJson(const nlohmann::json& json);  // throws nlohmann's where it is not what ToJson wrote

  // Least chance first, at most 10 whose chance is below 0.05. A setting of numbers is split where it tells most ("at
  // least 16"), one of texts at each value.
  std::vector<Insights::Setting> Noticed() const;

 private:
  struct Tally {
    int64_t jobs = 0, ooms = 0;
  };
  struct Setting {
    std::map<std::string, Tally> values;
    bool given_up = false;
  };
  struct Split {
    std::string shown;
    Tally with;
  };

  void Count(const JobFacts& facts, int64_t sign);
  static Tally SumOf(const Setting& setting);
  static std::vector<Split> SplitsOf(const Setting& setting);
  static std::vector<Split> NumberSplits(const std::map<double, Tally>& numbers, const Tally& all);

  std::map<std::string, Setting> settings_;
};

// Of drawing `hits` or more marked ones in `drawn` draws from `all`, of which `marked` are marked. 1 where as many are
// to be expected.
double ChanceOfAtLeast(size_t hits, size_t drawn, size_t marked, size_t all);

}  // namespace rankscope::diagnose
