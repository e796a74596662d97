#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/heat_rows.h"

namespace rankscope::cli {

// A metric of a job's last attempt over its steps: the median of its ranks, and the ranks that left it.
class MetricChart {
 public:
  // `job`: the server's answer about it.
  MetricChart(std::string metric, nlohmann::ordered_json job) : metric_(std::move(metric)), job_(std::move(job)) {}

  // `columns`: of steps, at most.
  base::Status Load(const std::string& server, size_t columns);
  bool empty() const { return all_.empty(); }  // nobody has it
  void Print() const;
  // {metric, axis, ranks, last, at, min, max, nonfinite, odd: [{rank, deviations, at}]}; `at` is a step, or ms of the
  // epoch.
  nlohmann::ordered_json ToJson() const;

 private:
  using Json = nlohmann::ordered_json;

  void SettleRankless();
  void Compare();
  HeatMap LayerOf(const char* name) const;
  std::optional<size_t> LastColumn() const;
  std::optional<double> Extreme(const HeatMap& layer, bool lowest) const;
  int64_t CountBad(const Json& series) const;
  int64_t CountBad() const;
  std::string WhoHasBad() const;
  std::string Figures() const;
  std::string At(size_t column) const;

  const std::string metric_;
  const Json job_;
  std::vector<Json> all_;  // a series a rank
  std::string axis_ = "step";
  std::vector<int64_t> columns_;
  HeatRows rows_;
  std::optional<double> min_, max_;
};

// Two blanks and the name, in the column that stands before charts.
std::string Named(const std::string& name);
constexpr size_t kNameWidth = 26;

}  // namespace rankscope::cli
