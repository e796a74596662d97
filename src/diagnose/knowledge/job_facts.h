#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "diagnose/knowledge/curve.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {

// Where a job's speed left its course.
struct Inflection {
  int64_t step = 0;
  std::string failure;  // the class of the finding: throughput_drop, …

  bool operator==(const Inflection&) const = default;
};

// What stays known of a job when its records are gone: how it ended, what it ran with, how fast it was. Plain data.
struct JobFacts {
  std::string job, state;  // of the catalog: finished, failed, lost, …
  base::TimeNs started = 0, ended = 0;
  int32_t ranks = 0;
  std::vector<std::string> hosts;               // sorted
  std::map<std::string, std::string> settings;  // arguments and versions, flat: "training_arguments.learning_rate"
  std::map<std::string, std::string> labels;    // model, framework, parallelism, cluster, and those that the user gave

  bool healthy = true;
  std::string failure = "none", kind;  // the verdict's
  double confidence = 0;
  std::optional<Culprit> culprit;
  std::string culprit_host;
  std::string incident;  // the id of its gravest; empty: there is none
  std::string root_line;
  std::vector<uint64_t> templates;  // of the lines that are its evidence, sorted

  std::optional<int64_t> last_step, last_checkpoint;  // the latter: saved before the end
  double productive_s = 0;                            // in which steps were made that nobody had made before
  std::map<std::string, Curve> curves;                // by metric, over the step
  std::vector<Inflection> inflections;                // in order

  double hours() const { return static_cast<double>(ended - started) / (3600.0 * base::kNsPerSecond); }
  double rank_hours() const { return hours() * ranks; }
};

// The class of a job that failed although nothing in its records tells why.
constexpr char kUnknownFailure[] = "unknown";

// What the verdict adds. REQUIRES that the state is set.
void TakeVerdict(const Verdict& verdict, JobFacts* facts);
// `model`, `framework`, `parallelism`, `cluster` of what a job ran with (its configuration as the catalog has it), and
// the labels of `rankscope run --label`, which come first; the rest of it becomes settings, but for what differs with
// every launch, and what the command sets ("option.batch-size").
void TakeConfiguration(const std::map<std::string, std::string>& configuration, JobFacts* facts);

// Without the curves, which are most of it and asked for seldom.
std::string ToJson(const JobFacts& facts);
base::Result<JobFacts> FactsFromJson(std::string_view text);  // kCorrupt
std::string CurvesToJson(const std::map<std::string, Curve>& curves);
std::map<std::string, Curve> CurvesFromJson(std::string_view text);  // what is none is left out

}  // namespace rankscope::diagnose
