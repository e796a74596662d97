#include "query/series_values.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace rankscope::query {
namespace {

template <typename Choose>
void Combine(const std::optional<double>& value, std::optional<double>* into, const Choose& choose) {
  if (value) *into = *into ? choose(**into, *value) : *value;
}

// By more than rounding.
bool AreFar(double a, double b) {
  constexpr double kRounding = 0.02;
  return a != b && !(std::fabs(a - b) <= kRounding * std::max(std::fabs(a), std::fabs(b)));
}

bool IsFarFrom(const std::optional<double>& held, const std::optional<double>& value) {
  return value && (!held || AreFar(*value, *held));
}

}  // namespace

void Lower(const std::optional<double>& value, std::optional<double>* into) {
  Combine(value, into, [](double a, double b) { return std::min(a, b); });
}

void Raise(const std::optional<double>& value, std::optional<double>* into) {
  Combine(value, into, [](double a, double b) { return std::max(a, b); });
}

RankBuckets RankValues::TakePreferred(bool thinned) {
  if (!Agree()) {
    EraseCovered();
  } else if (thinned) {
    WidenLogged();
  }
  logged.merge(printed);
  return std::move(logged);
}

RankBuckets RankValues::TakePreferredInTime() {
  if (!logged.empty()) {
    printed.erase(printed.lower_bound(logged.begin()->first), printed.upper_bound(logged.rbegin()->first));
  }
  logged.merge(printed);
  return std::move(logged);
}

bool RankValues::Agree() const {
  constexpr int kFewest = 2;
  int both = 0;
  for (const auto& [x, held] : logged) {
    auto other = printed.find(x);
    if (other == printed.end() || !held.bucket.last || !other->second.bucket.last) continue;
    if (AreFar(*held.bucket.last, *other->second.bucket.last)) return false;
    ++both;
  }
  return both >= kFewest;
}

void RankValues::EraseCovered() {
  for (const auto& [x, held] : logged) {
    int64_t before = INT64_MIN;
    if (!__builtin_sub_overflow(x, held.steps, &before)) {
      printed.erase(printed.upper_bound(before), printed.upper_bound(x));
    }
  }
}

// A spike or a NaN that was printed between the logged steps of a bucket is one of the bucket's. What is within
// rounding of the logged extreme is that one, as it was printed.
void RankValues::WidenLogged() {
  for (auto& [x, held] : logged) {
    auto other = printed.find(x);
    if (other == printed.end()) continue;
    SeriesBucket& bucket = held.bucket;
    const SeriesBucket& more = other->second.bucket;
    if (IsFarFrom(bucket.min, more.min)) Lower(more.min, &bucket.min);
    if (IsFarFrom(bucket.max, more.max)) Raise(more.max, &bucket.max);
    bucket.nonfinite = std::max(bucket.nonfinite, more.nonfinite);
    bucket.count = std::max(bucket.count, more.count);
  }
}

}  // namespace rankscope::query
