#include "model/job_id.h"

#include "model/shown.h"

namespace rankscope::model {
namespace {

constexpr size_t kShownBytes = 40;
constexpr size_t kNumberBytes = 20;

}  // namespace

base::Status CheckJobId(std::string_view id) {
  // Shown changes what is no text for one line.
  if (!id.empty() && id.size() <= kMostJobIdBytes && Shown(id) == id) return {};
  std::string beginning = Shown(id, kShownBytes);
  return base::Status::Invalid("job_id \"" + beginning + (id.size() > kShownBytes ? "…" : "") + "\": want 1 to " +
                               std::to_string(kMostJobIdBytes) + " bytes of UTF-8 without control characters");
}

std::string JobIdFrom(std::string_view launch) { return Shown(launch, kMostJobIdBytes - kNumberBytes); }

}  // namespace rankscope::model
