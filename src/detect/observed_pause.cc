#include "detect/observed_pause.h"

#include <algorithm>

#include "model/action.h"
#include "model/pause_event.h"

namespace rankscope::detect {
namespace {

// Without a word of it: half of the usual timeout of collectives. A rank leaves by itself so soon after the limit.
constexpr int64_t kLimitS = 1800, kAfterLimitS = 30;

std::string_view TextOf(const model::RecordView& event, std::string_view name) {
  const model::FieldView* field = event.FindField(name);
  return field ? field->text : std::string_view();
}

// What is said may be any number.
int64_t LimitOf(const model::RecordView& event) {
  const model::FieldView* limit = event.FindField("limit_s");
  return limit ? std::clamp<int64_t>(limit->integer, 0, model::kLongestHoldS) : kLimitS;
}

}  // namespace

void ObservedPause::Take(const model::RecordView& event) {
  if (TextOf(event, "event") != "action") return;
  model::PauseEvent said{TextOf(event, "action"), TextOf(event, "action_id"), TextOf(event, "outcome"),
                         event.origin->rank.has_value(), event.time};
  if (model::BeginsPause(said)) {
    began_at_ = event.time;
    released_at_ = event.time + (LimitOf(event) + kAfterLimitS) * base::kNsPerSecond;
    step_ = event.step.value_or(INT64_MAX);
    action_ = said.action_id;
    on_ = true;
  } else if (on_ && model::EndsPause(said, action_, began_at_)) {
    Release(event.time);
  }
}

void ObservedPause::Pass(int64_t step, base::TimeNs time) {
  if (step > step_) Release(time);
}

void ObservedPause::Release(base::TimeNs time) {
  if (on_) released_at_ = std::min(released_at_, time);
  on_ = false;
}

bool ObservedPause::IsOn(base::TimeNs now) const { return on_ && now < released_at_; }

}  // namespace rankscope::detect
