#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/record.h"

namespace rankscope::simulation {

// What the hooks report of each step of each rank, in the order of kMetricNames.
enum Metric : uint8_t {
  kLoss,
  kLearningRate,
  kGradientNorm,
  kStepTime,
  kComputeTime,
  kDataTime,
  kThroughput,
  kTokens,
  kSequenceLength,
  kMemoryGib,
  kMemoryUsage,
  kMemoryRetries,
  kLossScale,
  kMetricCount
};
inline constexpr std::array<const char*, kMetricCount> kMetricNames = {"loss",
                                                                       "learning_rate",
                                                                       "gradient_norm",
                                                                       "step_time_s",
                                                                       "compute_time_s",
                                                                       "data_time_s",
                                                                       "throughput_tokens_per_sec",
                                                                       "tokens",
                                                                       "sequence_length",
                                                                       "gpu_memory_gib",
                                                                       "gpu_memory_usage",
                                                                       "gpu_memory_retries",
                                                                       "loss_scale"};

// One step of one rank.
struct Sample {
  std::array<double, kMetricCount> values{};
  uint32_t absent = 0;  // bits: metrics that are not reported

  double& operator[](Metric metric) { return values[metric]; }
  double operator[](Metric metric) const { return values[metric]; }
  void Omit(Metric metric) { absent |= 1U << metric; }
  bool Has(Metric metric) const { return (absent >> metric & 1U) == 0; }
};

// What is printed, or told as an event, while a step is made.
struct Line {
  std::optional<int32_t> rank, node;
  std::string text;
  model::Stream stream = model::Stream::kStdout;
  model::Fields fields{};
  bool at_end = false;  // of the step, else at its begin
};

// What one rank computes of a step, where batches differ.
struct RankBatch {
  std::vector<double> lengths;  // of its sequences
  double tokens = 0;
  double load = 1;  // of what a usual batch takes
};

// A step of the whole job, before its ranks differ.
struct Step {
  int64_t number = 0;
  double loss = 0, loss_noise = 0;  // level, and relative noise of each rank's own
  double learning_rate = 0;
  double gradient_norm = 0;
  double seconds = 0;       // that the step takes, the pause before it left out
  double data_seconds = 0;  // thereof waiting for data
  double tokens = 0;        // of each rank
  double sequence_length = 0;
  double pause_seconds = 0;  // evaluation, checkpoint, or a standstill, before the step ends
  std::vector<Line> lines;
  std::vector<RankBatch> batches;  // by rank; empty: they are all alike
  double heaviest = 1;             // the greatest load of one: everybody waits for it
};

// What the agent samples of a node and of its first GPU.
struct NodeSample {
  double memory_used_percent = 0, iowait_percent = 0, shm_free_gib = 0;
  double gpu_temperature = 0, gpu_utilization = 0, ecc_uncorrected = 0;
  const char* throttle_reasons = "";
};

}  // namespace rankscope::simulation
