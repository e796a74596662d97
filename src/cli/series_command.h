#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace rankscope::cli {

struct SeriesOptions {
  std::string server, metric, job, by = "rank", query, since, output = "table";
  bool plot = false;
  bool in_time = false;  // x is time, else steps
  size_t points = 0;     // 0: as many as the output has room for
  size_t width = 80;     // of the terminal
};

// `rankscope series METRIC`: a line a rank (or node, host, job) with its extremes, or a plot; json and csv have every
// bucket. kNotFound: nobody has the metric (the names that there are stand in the message), or has had it since.
base::Status RunSeries(const SeriesOptions& options);

// The route with its parameters. `start`: RFC 3339, or empty; options.since is not looked at.
std::string SeriesPath(const SeriesOptions& options, size_t points, const std::string& start);

}  // namespace rankscope::cli
