#pragma once

#include <optional>
#include <string>
#include <vector>

#include "diagnose/reading/reading.h"

namespace rankscope::diagnose {

// A GPU that runs below its clock for good, because it is too hot or may not draw the power.
struct ThrottledGpu {
  std::string host, uuid;
  std::optional<int64_t> index;        // on its host
  std::optional<int32_t> rank;         // whose it is, as far as is known
  std::string reasons;                 // as sampled: "hw_thermal_slowdown"
  bool by_heat = false;                // else by power
  size_t line = 0;                     // of the sample since which it does
  double clock_before = 0, clock = 0;  // MHz, medians: not throttled (else of the other GPUs), throttled; 0: not told
  std::optional<double> temperature, others;  // °C, medians since then: its own, the other GPUs'
};

// From the agents' samples of GPUs, the earliest first. A power cap (sw_power_cap), which full load brings about,
// counts only below the limit of the other GPUs; a throttled GPU at its usual clock not at all.
std::vector<ThrottledGpu> FindThrottledGpus(const Reading& reading);

// "GPU 5 of gpu-17 (rank 141)".
std::string NameOf(const ThrottledGpu& gpu);
// Since when, why and how far, in a sentence without its name.
std::string CourseOf(const Reading& reading, const ThrottledGpu& gpu);

}  // namespace rankscope::diagnose
