#include "base/nearest.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace rankscope::base {
namespace {

// Levenshtein's, by one row.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t corner = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      size_t changed = corner + (a[i] == b[j] ? 0 : 1);
      corner = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, corner + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string Nearest(std::string_view word, std::span<const std::string_view> known) {
  constexpr size_t kLongest = 64;
  if (known.empty() || word.size() > kLongest) return {};
  auto length = [&](std::string_view known) {
    return std::max(known.size(), word.size()) - std::min(known.size(), word.size());
  };
  auto nearer = [&](std::string_view a, std::string_view b) {
    return std::pair(Distance(word, a), length(a)) < std::pair(Distance(word, b), length(b));
  };
  std::string_view best = *std::min_element(known.begin(), known.end(), nearer);
  if (Distance(word, best) > std::max<size_t>(2, best.size() / 3)) return {};
  return " (nearest: " + std::string(best) + ")";
}

}  // namespace rankscope::base
