#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "query/series.h"

namespace rankscope::query {

// What one rank has in one bucket.
struct RankBucket {
  SeriesBucket bucket;
  std::optional<double> mean;
  int64_t steps = 1;  // that the values are of, up to the bucket's own
};
using RankBuckets = std::map<int64_t, RankBucket>;  // by x

// Makes *into the lesser or the greater of the two, of which either may be none.
void Lower(const std::optional<double>& value, std::optional<double>* into);
void Raise(const std::optional<double>& value, std::optional<double>* into);

// What one rank has, by where it is from.
struct RankValues {
  RankBuckets logged, printed;

  // What was logged, and what was printed at other steps: of all where both say the same wherever both speak, as a
  // script does that prints and logs its loss; else of those steps that no logged value is of, since the two differ in
  // what they mean, as a trainer's mean over ranks and a rank's own loss do. `thinned`: a bucket has several steps,
  // which need not be the same in both; where they agree it has the extremes and NaN of either.
  RankBuckets TakePreferred(bool thinned);
  // Over time nothing tells when the steps of a logged value were: it is all between the first and the last.
  RankBuckets TakePreferredInTime();

 private:
  bool Agree() const;
  void EraseCovered();
  void WidenLogged();
};

}  // namespace rankscope::query
