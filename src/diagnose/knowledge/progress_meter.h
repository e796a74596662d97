#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"

namespace rankscope::diagnose {

// How much of a job's time made steps that count. One rank's reports, in the order of their time; linear in them.
class ProgressMeter {
 public:
  void Add(base::TimeNs time, int64_t step);
  std::optional<int64_t> last_step() const { return reached_; }  // the greatest

  // Seconds in which steps were made that had not been made before, up to `kept` where it is given (the last
  // checkpoint of a job that failed: what came after it was made in vain). A pause of more than ten usual steps
  // (median) counts as one usual step; so does the first.
  double ProductiveSeconds(std::optional<int64_t> kept) const;

 private:
  struct Advance {
    int64_t step;    // that was reached
    int64_t steps;   // how many more than ever before
    double seconds;  // since the report before
  };
  std::vector<Advance> advances_;
  std::optional<base::TimeNs> last_time_;
  std::optional<int64_t> reached_;
};

}  // namespace rankscope::diagnose
