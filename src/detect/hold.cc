#include "detect/hold.h"

#include <algorithm>
#include <array>

namespace rankscope::detect {
namespace {

constexpr base::TimeNs kLongest = 1800 * base::kNsPerSecond;

// Whatever else comes of an action ("asked", say, or that some rank is late) does not end a hold.
constexpr std::array<std::string_view, 5> kEnds = {"resumed", "given_up", "stopped", "ending", "refused"};

std::string_view TextOf(const model::RecordView& event, std::string_view name) {
  const model::FieldView* field = event.FindField(name);
  return field ? field->text : std::string_view();
}

}  // namespace

void Hold::Take(const model::RecordView& event) {
  if (TextOf(event, "event") != "action" || event.origin->rank) return;
  std::string_view action = TextOf(event, "action"), outcome = TextOf(event, "outcome");
  if (action != "pause_job" && action != "stop_job") return;
  if (outcome == "held") {
    began_at_ = event.time;
    released_at_ = event.time + kLongest;
    on_ = true;
  } else if (on_ && std::find(kEnds.begin(), kEnds.end(), outcome) != kEnds.end()) {
    released_at_ = std::min(released_at_, event.time);
    on_ = false;
  }
}

bool Hold::IsOn(base::TimeNs now) const { return on_ && now < released_at_; }

}  // namespace rankscope::detect
