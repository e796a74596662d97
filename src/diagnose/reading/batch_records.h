#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "diagnose/reading/reading.h"

namespace rankscope::diagnose {

// What a step was trained on, as the hooks or rankscope.log_batch recorded it.
struct BatchRecord {
  size_t line = 0;
  std::optional<int32_t> rank;
  std::optional<int64_t> step;
  std::vector<std::string> ids;
  std::string shape;            // of its largest tensor or picture: "[3, 8192, 4096]"; empty: not told
  double largest = 0;           // elements of it
  std::vector<double> lengths;  // of the samples
  double total = 0;             // of the lengths, else of the elements of all shapes
};

// By line.
std::vector<BatchRecord> FindBatches(const Reading& reading);

// The last one of the rank before the line; nothing: there is none.
struct BatchInFlight {
  BatchRecord batch;
  // How many times the usual (median of the batches before, of all ranks); none: fewer than 3 tell it.
  std::optional<double> largest, longest, total, samples;
};
std::optional<BatchInFlight> FindBatchInFlight(const Reading& reading, size_t line, std::optional<int32_t> rank);

}  // namespace rankscope::diagnose
