#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rankscope::cli {

// Ranks over columns of steps, compared with each other.
struct HeatMap {
  std::map<int64_t, std::vector<std::optional<double>>> ranks;  // each of `columns` values
  size_t columns = 0;
};

// The columns of a map of these buckets, in order: those that anybody has, and with a `width` also the gaps between
// them, since in time a gap tells that nothing came. Steps have none: one record over ten of them leaves no gaps.
std::vector<int64_t> HeatColumns(std::set<int64_t> buckets, std::optional<int64_t> width);

struct OddRank {
  int64_t rank = 0;
  double score = 0;    // its largest distance from the median, in robust deviations
  size_t column = 0;   // where
  std::string shades;  // a cell a column: " ·░▒▓█" by distance
};

struct HeatRows {
  std::vector<std::optional<double>> median;  // over the ranks, a column
  std::vector<OddRank> odd;                   // worst first
};

// A rank is odd where it lies further than kOdd deviations from the median of its column. The deviation is the median
// absolute one, at least 2 % of the median: without a floor ranks that agree would differ by noise. Fewer than 3 ranks
// have no odd one among them.
//
// `layers`: the same ranks and columns seen in several ways (a bucket's last, lowest and highest value), each compared
// for itself; the first gives the median.
constexpr double kOdd = 8;
HeatRows FindOddRanks(const std::vector<HeatMap>& layers);

}  // namespace rankscope::cli
