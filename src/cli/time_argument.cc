#include "cli/time_argument.h"

#include <optional>

#include "model/time_text.h"

namespace rankscope::cli {

namespace {

constexpr std::string_view kWholeTime = "0000-00-00T00:00:00";

std::optional<base::TimeNs> ParseTimeOrItsBeginning(std::string_view text) {
  std::string whole(text);
  bool begins = text.size() == kWholeTime.find('T') || text.size() == kWholeTime.rfind(':');
  if (begins) whole += kWholeTime.substr(text.size());
  return model::ParseTime(whole, model::Zone::kElseUtc);
}

}  // namespace

base::Result<base::TimeNs> ParseTimeArgument(std::string_view text, base::TimeNs reference) {
  if (text == "now") return reference;
  if (auto duration = model::ParseDuration(text)) return reference - *duration;
  if (auto time = ParseTimeOrItsBeginning(text)) return *time;
  return base::Status::Invalid("\"" + std::string(text) +
                               "\" is neither a duration (90s, 10m, 2h30m, 1d; 292 years at most) nor a time "
                               "(2026-11-24T10:00:00Z, 2026-11-24 10:00, 2026-11-24)");
}

std::string FormatAge(int64_t age_ns) { return model::FormatDuration(age_ns) + " ago"; }

}  // namespace rankscope::cli
