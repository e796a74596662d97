#include "cli/metric_chart.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "base/counted.h"
#include "cli/plot.h"
#include "cli/query_command.h"
#include "cli/series_command.h"
#include "cli/table.h"

namespace rankscope::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMostOdd = 5;
constexpr double kMostDeviations = 9999;

Json OrNull(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

}  // namespace

std::string Named(const std::string& name) {
  size_t width = DisplayWidth(name);
  return "  " + name + std::string(width < kNameWidth ? kNameWidth - width : 1, ' ');
}

base::Status MetricChart::Load(const std::string& server, size_t columns) {
  SeriesOptions options;
  options.metric = metric_;
  options.job = job_.value("job_id", "");
  RETURN_IF_ERROR(GetRows(server, SeriesPath(options, columns, ""), [this](const Json& series) {
    if (!series["x"].empty()) all_.push_back(series);  // else its records went while they were read
    return true;
  }));
  // A restart begins another attempt.
  int64_t attempt = 0;
  for (const Json& series : all_) attempt = std::max(attempt, series.value("attempt", int64_t{0}));
  std::erase_if(all_, [&](const Json& series) { return series.value("attempt", int64_t{0}) != attempt; });
  SettleRankless();
  if (!all_.empty()) Compare();
  return {};
}

// What a command prints before it is known to be a rank is the only rank's; else it is a launcher's, and no peer of the
// ranks.
void MetricChart::SettleRankless() {
  auto ranked = std::find_if(all_.begin(), all_.end(), [](const Json& series) { return series.contains("rank"); });
  if (ranked == all_.end()) return;
  const Json rank = (*ranked)["rank"];
  if (job_.value("ranks_expected", 0) == 1) {
    for (Json& series : all_) series["rank"] = rank;
  }
  std::erase_if(all_, [](const Json& series) { return !series.contains("rank"); });
}

void MetricChart::Compare() {
  std::set<int64_t> buckets;
  for (const Json& series : all_) {
    for (const Json& x : series["x"]) buckets.insert(x.get<int64_t>());
  }
  axis_ = all_.front().value("axis", "step");
  std::optional<int64_t> width;
  if (axis_ != "step") width = all_.front()["width"].get<int64_t>();
  columns_ = HeatColumns(std::move(buckets), width);
  const std::vector<HeatMap> layers = {LayerOf("last"), LayerOf("min"), LayerOf("max")};
  rows_ = FindOddRanks(layers);
  min_ = Extreme(layers[1], /*lowest=*/true);
  max_ = Extreme(layers[2], /*lowest=*/false);
}

HeatMap MetricChart::LayerOf(const char* name) const {
  HeatMap map;
  map.columns = columns_.size();
  for (const Json& series : all_) {
    auto& row = map.ranks[series.value("rank", int64_t{-1})];
    row.resize(map.columns);
    for (size_t i = 0; i < series["x"].size(); ++i) {
      const Json& value = series[name][i];
      auto column = std::lower_bound(columns_.begin(), columns_.end(), series["x"][i].get<int64_t>());
      if (value.is_number()) row[static_cast<size_t>(column - columns_.begin())] = value.get<double>();
    }
  }
  return map;
}

std::optional<double> MetricChart::Extreme(const HeatMap& layer, bool lowest) const {
  std::optional<double> extreme;
  for (const auto& [rank, row] : layer.ranks) {
    for (const auto& value : row) {
      if (value && (!extreme || (lowest ? *value < *extreme : *value > *extreme))) extreme = value;
    }
  }
  return extreme;
}

int64_t MetricChart::CountBad(const Json& series) const {
  int64_t bad = 0;
  for (const Json& count : series["nonfinite"]) bad += count.get<int64_t>();
  return bad;
}

int64_t MetricChart::CountBad() const {
  int64_t bad = 0;
  for (const Json& series : all_) bad += CountBad(series);
  return bad;
}

// " of ranks 3,12"; empty where all have some.
std::string MetricChart::WhoHasBad() const {
  std::vector<int64_t> ranks;
  for (const Json& series : all_) {
    if (CountBad(series) > 0 && series.contains("rank")) ranks.push_back(series["rank"].get<int64_t>());
  }
  if (ranks.empty() || ranks.size() == all_.size()) return "";
  std::string text = ranks.size() == 1 ? " of rank " : " of ranks ";
  for (size_t i = 0; i < std::min(ranks.size(), kMostOdd); ++i) text += (i > 0 ? "," : "") + std::to_string(ranks[i]);
  return ranks.size() > kMostOdd ? text + ",…" : text;
}

std::optional<size_t> MetricChart::LastColumn() const {
  auto last = std::find_if(rows_.median.rbegin(), rows_.median.rend(), [](const auto& value) { return value; });
  if (last == rows_.median.rend()) return std::nullopt;
  return static_cast<size_t>(rows_.median.rend() - last) - 1;
}

std::string MetricChart::At(size_t column) const {
  return axis_ == "step" ? " at step " + std::to_string(columns_[column])
                         : " at " + std::to_string(columns_[column]) + " ms";
}

// Of the median its last value; the extremes are those of all ranks.
std::string MetricChart::Figures() const {
  std::string text;
  if (auto last = LastColumn()) {
    text = "last " + ShownValue(Json(*rows_.median[*last])) + (axis_ == "step" ? At(*last) : "") + ", min " +
           ShownValue(OrNull(min_)) + ", max " + ShownValue(OrNull(max_));
  }
  if (int64_t bad = CountBad(); bad > 0) {
    text += (text.empty() ? "" : ", ") + std::to_string(bad) + " NaN or Inf" + WhoHasBad();
  }
  return text;
}

void MetricChart::Print() const {
  std::printf("\n%s%s\n", Named(metric_).c_str(), Figures().c_str());
  const std::string label = "  median of " + base::Counted(all_.size(), "rank");
  std::printf("%s%s\n", Named(label).c_str(), Sparkline(rows_.median).c_str());
  for (size_t i = 0; i < std::min(rows_.odd.size(), kMostOdd); ++i) {
    const OddRank& odd = rows_.odd[i];
    std::printf("%s%s  %.0f deviations%s\n", Named("  rank " + std::to_string(odd.rank)).c_str(), odd.shades.c_str(),
                std::min(odd.score, kMostDeviations), At(odd.column).c_str());
  }
  if (rows_.odd.size() > kMostOdd)
    std::printf("%s+ %zu more odd ranks\n", Named("").c_str(), rows_.odd.size() - kMostOdd);
}

Json MetricChart::ToJson() const {
  Json json = {{"metric", metric_}, {"axis", axis_}, {"ranks", all_.size()}};
  const auto last = LastColumn();
  json["last"] = last ? Json(*rows_.median[*last]) : Json();
  json["at"] = last ? Json(columns_[*last]) : Json();
  json["min"] = OrNull(min_);
  json["max"] = OrNull(max_);
  json["nonfinite"] = CountBad();
  json["odd"] = Json::array();
  for (const OddRank& odd : rows_.odd) {
    json["odd"].push_back(
        {{"rank", odd.rank}, {"deviations", std::min(odd.score, kMostDeviations)}, {"at", columns_[odd.column]}});
  }
  return json;
}

}  // namespace rankscope::cli
