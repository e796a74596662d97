#include "cli/time_argument.h"

#include "model/time_text.h"

namespace rankscope::cli {

base::Result<base::TimeNs> ParseTimeArgument(std::string_view text, base::TimeNs reference) {
  if (auto duration = model::ParseDuration(text)) return reference - *duration;
  if (auto time = model::ParseTime(text)) return *time;
  return base::Status::Invalid("\"" + std::string(text) +
                               "\" is neither a duration (90s, 10m, 2h30m, 1d) nor a time (2026-11-24T10:00:00Z)");
}

std::string FormatAge(int64_t age_ns) { return model::FormatDuration(age_ns) + " ago"; }

}  // namespace rankscope::cli
