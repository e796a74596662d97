#include "diagnose/knowledge/similarity.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace rankscope::diagnose {
namespace {

constexpr double kClass = 0.5, kKind = 0.1, kTemplates = 0.25, kLabels = 0.15;

// |a and b| / |a or b| of two sorted ranges; of empty ones 0.
template <typename Container>
double SharedPart(const Container& a, const Container& b) {
  std::vector<typename Container::value_type> shared;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(shared));
  size_t all = a.size() + b.size() - shared.size();
  return all == 0 ? 0 : static_cast<double>(shared.size()) / static_cast<double>(all);
}

}  // namespace

double Similarity(const JobFacts& a, const JobFacts& b) {
  if (a.healthy || b.healthy || a.failure != b.failure || a.failure == kUnknownFailure) return 0;
  double score = kClass + kTemplates * SharedPart(a.templates, b.templates);
  if (a.kind == b.kind) score += kKind;
  std::vector<std::pair<std::string, std::string>> of_a(a.labels.begin(), a.labels.end()),
      of_b(b.labels.begin(), b.labels.end());
  return score + kLabels * SharedPart(of_a, of_b);
}

}  // namespace rankscope::diagnose
