#include "cli/heat_rows.h"

#include <algorithm>
#include <cmath>

namespace rankscope::cli {
namespace {

constexpr size_t kFewestPeers = 3;
constexpr double kFloor = 0.02;
constexpr double kToSigma = 1.4826;  // of a normal distribution's median absolute deviation

double MedianOf(std::vector<double> values) {
  auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  double upper = *middle;
  if (values.size() % 2 == 1) return upper;
  return (*std::max_element(values.begin(), middle) + upper) / 2;
}

struct ColumnStatistics {
  double median = 0, deviation = 0;
  size_t peers = 0;
};

ColumnStatistics StatisticsOf(const HeatMap& map, size_t column) {
  std::vector<double> values;
  for (const auto& [rank, row] : map.ranks) {
    if (row[column] && std::isfinite(*row[column])) values.push_back(*row[column]);
  }
  ColumnStatistics statistics;
  statistics.peers = values.size();
  if (values.empty()) return statistics;
  statistics.median = MedianOf(values);
  for (double& value : values) value = std::abs(value - statistics.median);
  statistics.deviation = std::max(MedianOf(values) * kToSigma, std::abs(statistics.median) * kFloor);
  return statistics;
}

const char* Shade(double score) {
  return score < 2 ? "·" : score < 4 ? "░" : score < kOdd ? "▒" : score < 2 * kOdd ? "▓" : "█";
}

// How far each rank lies from the others, a column; nothing where there is nothing to compare.
using Scores = std::map<int64_t, std::vector<std::optional<double>>>;

void AddScores(const HeatMap& map, Scores* scores) {
  for (size_t column = 0; column < map.columns; ++column) {
    ColumnStatistics statistics = StatisticsOf(map, column);
    if (statistics.peers < kFewestPeers) continue;
    for (const auto& [rank, values] : map.ranks) {
      if (!values[column]) continue;
      double distance = std::abs(*values[column] - statistics.median);
      double score = distance == 0 ? 0 : distance / std::max(statistics.deviation, 1e-12);
      auto& row = (*scores)[rank];
      row.resize(map.columns);
      row[column] = std::max(row[column].value_or(0), score);
    }
  }
}

OddRank Describe(int64_t rank, const std::vector<std::optional<double>>& scores) {
  OddRank odd;
  odd.rank = rank;
  for (size_t column = 0; column < scores.size(); ++column) {
    odd.shades += scores[column] ? Shade(*scores[column]) : " ";
    if (scores[column].value_or(0) > odd.score) odd.column = column;
    odd.score = std::max(odd.score, scores[column].value_or(0));
  }
  return odd;
}

}  // namespace

std::vector<int64_t> HeatColumns(std::set<int64_t> buckets, std::optional<int64_t> width) {
  if (width && !buckets.empty()) {
    for (int64_t x = *buckets.begin(); x < *buckets.rbegin(); x += *width) buckets.insert(x);
  }
  return {buckets.begin(), buckets.end()};
}

HeatRows FindOddRanks(const std::vector<HeatMap>& layers) {
  HeatRows rows;
  for (size_t column = 0; column < layers.front().columns; ++column) {
    ColumnStatistics statistics = StatisticsOf(layers.front(), column);
    rows.median.push_back(statistics.peers > 0 ? std::optional(statistics.median) : std::nullopt);
  }
  Scores scores;
  for (const HeatMap& layer : layers) AddScores(layer, &scores);
  for (const auto& [rank, row] : scores) {
    OddRank odd = Describe(rank, row);
    if (odd.score >= kOdd) rows.odd.push_back(std::move(odd));
  }
  std::stable_sort(rows.odd.begin(), rows.odd.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  return rows;
}

}  // namespace rankscope::cli
