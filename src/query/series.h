#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/budget.h"
#include "base/status.h"
#include "model/aggregation.h"
#include "model/filter.h"
#include "query/log_source.h"

namespace rankscope::query {

// One metric over steps (or over time), thinned out without losing an extreme: buckets of a power of two of steps or
// ms, so that a growing run never moves old points.
struct SeriesRequest {
  enum class By : uint8_t { kRank, kNodeRank, kHost, kJob };
  std::string project = "default", metric;
  model::Filter filter;
  By by = By::kRank;  // kRank: each rank; else the spread over the ranks of each node, host or job
  std::optional<int64_t> from_step, to_step;  // inclusive
  bool in_time = false;                       // else over steps where the metric has any
  size_t points = 1000;                       // at most so many buckets a series. REQUIRES > 0
};

// Of one rank: first, last, min and max are of its values that are numbers; nothing where all are NaN. Of a node, host
// or job: min, median and max over the ranks, of which median takes each rank's mean.
struct SeriesBucket {
  int64_t x = 0;  // the bucket's start: a step, or ms since the epoch
  std::optional<double> first, min, median, max, last;
  int64_t count = 0;      // values
  int64_t nonfinite = 0;  // of them NaN or infinite
  int64_t ranks = 0;
};

struct Series {
  std::vector<std::pair<std::string, model::Cell>> labels;  // job_id, attempt, then what it is by
  std::vector<SeriesBucket> buckets;                        // ascending
  int64_t from = 0, to = 0;                                 // its first and last step, or ms since the epoch
};

struct SeriesAnswer {
  bool in_time = false;
  int64_t width = 1;  // of a bucket, in steps or ms: what the longest series needs
  std::vector<Series> series;
};

std::optional<SeriesRequest::By> ParseSeriesBy(std::string_view name);

// Reads printed lines and the stream `metric`; of a rank that has both, printed values count only at steps where the
// latter has none, and, unless both agree wherever both speak, that it does not cover (over time: before its first and
// after its last bucket). Records that cover several steps bring
// METRIC_min, METRIC_max, METRIC_nonfinite and how many (window_steps) along. Who has no number of it (only texts, or
// nothing) is no series. kInvalid: a regex.
base::Result<SeriesAnswer> ReadSeries(LogSource* source, const SeriesRequest& request, base::Budget* budget);

}  // namespace rankscope::query
