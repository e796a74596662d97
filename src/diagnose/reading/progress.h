#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "diagnose/case/case.h"
#include "diagnose/reading/line_body.h"

namespace rankscope::diagnose {

// What a line tells of the training's course. Names and units are the canonical ones.
struct Point {
  size_t line = 0;
  std::optional<int32_t> rank;
  std::optional<int64_t> step, total_steps;
  std::optional<double> loss, gradient_norm, loss_scale, step_time_s, data_time_s, compute_time_s, throughput,
      learning_rate;
  std::optional<double> gpu_memory_gib, gpu_memory_usage;  // the latter in percent
  bool evaluation = false;
};

// The lines with metrics or a progress bar of the training (not of downloads, tokenisation and the like).
std::vector<Point> FindProgress(const Case& read, const std::vector<LineBody>& bodies);

// Whether the line says that the training came to its end.
bool SaysFinished(std::string_view text);

}  // namespace rankscope::diagnose
