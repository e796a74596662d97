#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace rankscope::detect {

// A rule file of Prometheus or Loki in our form: alert, for, keep_firing_for, labels and annotations stay, and of the
// expressions these are translated:
//   metric > 1e3, metric{…} < 0.7              a comparison of a metric with a number
//   {…} |= "text", {…} |~ "regex"              lines, also inside count_over_time(…[5m]) > 0 and sum(rate(…))
struct ForeignRules {
  std::string yaml;
  std::vector<std::string> left_out;  // "FILE:LINE: NAME: why"
};

// kInvalid: it is no rule file, with line and column.
base::Result<ForeignRules> TranslateRules(const std::string& name, const std::string& yaml);

}  // namespace rankscope::detect
