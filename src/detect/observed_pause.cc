#include "detect/hold.h"

#include <algorithm>
#include <array>

#include "model/action.h"

namespace rankscope::detect {
namespace {

// Without a word of it: half of the usual timeout of collectives. A rank leaves by itself so soon after the limit.
constexpr int64_t kLimitS = 1800, kAfterLimitS = 30;

// Whatever else comes of an action ("asked", say, or that some rank is late) does not end a hold.
constexpr std::array<std::string_view, 5> kEnds = {"resumed", "given_up", "stopped", "ending", "refused"};

std::string_view TextOf(const model::RecordView& event, std::string_view name) {
  const model::FieldView* field = event.FindField(name);
  return field ? field->text : std::string_view();
}

// What is said of a hold may be any number.
int64_t LimitOf(const model::RecordView& event) {
  const model::FieldView* limit = event.FindField("limit_s");
  return limit ? std::clamp<int64_t>(limit->integer, 0, model::kLongestHoldS) : kLimitS;
}

}  // namespace

void Hold::Take(const model::RecordView& event) {
  if (TextOf(event, "event") != "action" || event.origin->rank) return;
  std::string_view action = TextOf(event, "action"), outcome = TextOf(event, "outcome");
  if (action != "pause_job" && action != "stop_job" && action != "resume_job") return;
  if (outcome == "held") {
    began_at_ = event.time;
    released_at_ = event.time + (LimitOf(event) + kAfterLimitS) * base::kNsPerSecond;
    step_ = event.step.value_or(INT64_MAX);
    action_ = TextOf(event, "action_id");
    on_ = true;
  } else if (EndsWith(event)) {
    Release(event.time);
  }
}

// A second pause is refused while the first one holds, and a resume may be of a server that knows no hold.
bool Hold::EndsWith(const model::RecordView& event) const {
  std::string_view outcome = TextOf(event, "outcome");
  if (TextOf(event, "action") == "resume_job") return outcome == "resumed";
  return TextOf(event, "action_id") == action_ && std::find(kEnds.begin(), kEnds.end(), outcome) != kEnds.end();
}

void Hold::Pass(int64_t step, base::TimeNs time) {
  if (step > step_) Release(time);
}

void Hold::Release(base::TimeNs time) {
  if (on_) released_at_ = std::min(released_at_, time);
  on_ = false;
}

bool Hold::IsOn(base::TimeNs now) const { return on_ && now < released_at_; }

}  // namespace rankscope::detect
