#pragma once

#include <optional>
#include <string>
#include <vector>

#include "diagnose/knowledge/job_facts.h"

namespace rankscope::diagnose {

// What is different between two jobs. Plain data; "" and none: not there.
struct JobDiff {
  struct Setting {
    std::string name, before, now;
  };
  struct Metric {
    std::string name;
    std::optional<double> before, now;  // medians over the steps that both have
    std::optional<int64_t> apart_from;  // the step from which on they differ by more than a tenth
  };
  std::vector<Setting> settings;                   // arguments, versions, environment, labels; by name
  std::vector<std::string> nodes_left, nodes_new;  // hosts of the old job alone, of the new one alone
  std::vector<Metric> metrics;
};

JobDiff Compare(const JobFacts& before, const JobFacts& now);
std::string ToJson(const JobDiff& diff);

}  // namespace rankscope::diagnose
