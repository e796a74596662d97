#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rankscope::diagnose {

// What many jobs tell together. Every job counts, healthy ones too, by its rank-hours. Plain data.
struct Insights {
  struct Failures {
    std::string value;  // a class, or a model, a framework, a node, …
    size_t jobs = 0;    // failed ones for a class, else all
    size_t failed = 0;
    double rank_hours = 0;  // of all these jobs
    std::map<std::string, size_t> classes;
  };
  // A setting that goes with running out of GPU memory: jobs that have it against those that have another value.
  struct Setting {
    std::string name, value;  // "per_device_train_batch_size", "16" or ">= 16"
    size_t jobs = 0, ooms = 0, other_jobs = 0, other_ooms = 0;
    double chance = 1;  // of so many or more by chance (Fisher's exact test), times the number of settings tried
  };
  struct Turn {
    int64_t from_step = 0, to_step = 0;  // several jobs left their course within these
    std::string failure;
    std::vector<std::string> jobs;
  };

  size_t jobs = 0, failed = 0;
  double hours = 0, rank_hours = 0;
  std::vector<Failures> classes;                        // most frequent first
  std::map<std::string, std::vector<Failures>> groups;  // by "model", "framework", "parallelism", "cluster", "node"
  std::optional<double> hours_between_failures, rank_hours_between_failures;  // none: no failure yet
  std::vector<Setting> oom_settings;                                          // least chance first, at most 10
  std::vector<Turn> turns;
  std::optional<double> effective_training_time_ratio;  // by rank-hours, of the jobs that reported steps
};

std::string ToJson(const Insights& insights);

}  // namespace rankscope::diagnose
