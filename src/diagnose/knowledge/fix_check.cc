#include "diagnose/knowledge/fix_check.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "diagnose/verdict/failure_class.h"

namespace rankscope::diagnose {
namespace {

using nlohmann::ordered_json;

constexpr double kFurther = 1.1, kAsFast = 0.9;

// Of a job that is slow on no rank of its own, where a finding says that its speed was lost.
std::optional<int64_t> FailedAt(const JobFacts& facts) {
  const bool slowed = IsSlowness(facts.failure) && !facts.culprit && !facts.inflections.empty();
  if (slowed) return facts.inflections.front().step;
  return facts.culprit && facts.culprit->step ? facts.culprit->step : facts.last_step;
}

// Where a job tells its speed.
struct Measure {
  const char* metric;
  std::string_view unit;
  bool inverse;  // it is a time
};
constexpr std::array kMeasures = {Measure{"throughput_tokens_per_sec", "tokens/s", false},
                                  Measure{"step_time_s", "steps/s", true}};

const Curve* CurveOf(const JobFacts& facts, const Measure& measure) {
  auto found = facts.curves.find(measure.metric);
  return found == facts.curves.end() || found->second.points().empty() ? nullptr : &found->second;
}

// The first that both tell, else that the old one does.
const Measure* MeasureOf(const JobFacts& old, const JobFacts& now) {
  auto of_both = [&](const Measure& m) { return CurveOf(old, m) && CurveOf(now, m); };
  auto found = std::find_if(kMeasures.begin(), kMeasures.end(), of_both);
  if (found == kMeasures.end()) {
    found = std::find_if(kMeasures.begin(), kMeasures.end(), [&](const Measure& m) { return CurveOf(old, m); });
  }
  return found == kMeasures.end() ? nullptr : &*found;
}

void TakeSpeeds(const JobFacts& old, const JobFacts& now, FixCheck* check) {
  const Measure* measure = MeasureOf(old, now);
  if (!measure) return;
  auto speed = [&](std::optional<double> value) {
    return measure->inverse && value ? std::optional(1 / *value) : value;
  };
  check->unit = measure->unit;
  check->usual = speed(CurveOf(old, *measure)->EarlyMedian());
  check->last = speed(CurveOf(old, *measure)->LateMedian());
  const Curve* curve = CurveOf(now, *measure);
  if (!curve) return;
  auto since = check->failed_at ? curve->Median(*check->failed_at) : std::nullopt;
  check->now = speed(since ? since : curve->LateMedian());
}

void Settle(FixCheck* check, FixCheck::State state, std::string why) {
  check->state = state;
  check->why = std::move(why);
}

std::string StepText(const std::optional<int64_t>& step) {
  return step ? "step " + std::to_string(*step) : std::string("a step that is not known");
}

bool CameFurther(const FixCheck& check) {
  return check.failed_at && check.reached &&
         static_cast<double>(*check.reached) >= kFurther * static_cast<double>(*check.failed_at);
}

bool EndedBefore(const FixCheck& check) {
  return check.failed_at && check.reached && *check.reached < *check.failed_at;
}

}  // namespace

std::string_view NameOf(FixCheck::State state) {
  switch (state) {
    case FixCheck::State::kGone:
      return "gone";
    case FixCheck::State::kBack:
      return "back";
    case FixCheck::State::kNotReached:
      break;
  }
  return "not_reached";
}

FixCheck CheckFix(const JobFacts& old, const JobFacts& now) {
  FixCheck check;
  check.failure = old.failure;
  check.failed_at = FailedAt(old);
  check.reached = now.last_step;
  TakeSpeeds(old, now, &check);
  using State = FixCheck::State;
  const bool slow = IsSlowness(old.failure);
  if (!now.healthy && now.failure == old.failure && now.failure != kUnknownFailure) {
    Settle(&check, State::kBack, now.failure + " again, at " + StepText(FailedAt(now)));
  } else if (slow && check.usual && check.now && *check.now < kAsFast * *check.usual) {
    bool past = CameFurther(check) || now.state == "finished";
    Settle(&check, past ? State::kBack : State::kNotReached, "it is still slower than the old job once was");
  } else if (slow && check.usual && check.now && CameFurther(check)) {
    Settle(&check, State::kGone, "it is as fast as the old job once was, past " + StepText(check.failed_at));
  } else if (now.state == "finished" && now.healthy && EndedBefore(check)) {
    Settle(&check, State::kNotReached,
           "it ended well at " + StepText(check.reached) + ", the old job failed at " + StepText(check.failed_at));
  } else if (now.state == "finished" && now.healthy) {
    Settle(&check, State::kGone, "it ended well");
  } else if (CameFurther(check) && !(now.healthy && now.state == "failed")) {
    Settle(&check, State::kGone, "it has come past " + StepText(check.failed_at) + " without it");
  } else if (!now.healthy || now.state == "failed") {
    Settle(&check, State::kNotReached, "it failed, as far as is known in another way: " + now.failure);
  } else {
    Settle(&check, State::kNotReached,
           "it is at " + StepText(check.reached) + ", the old job failed at " + StepText(check.failed_at));
  }
  return check;
}

std::string ToJson(const FixCheck& check) {
  auto step = [](const std::optional<int64_t>& value) { return value ? ordered_json(*value) : ordered_json(); };
  auto number = [](const std::optional<double>& value) { return value ? ordered_json(*value) : ordered_json(); };
  ordered_json json = {{"state", std::string(NameOf(check.state))},
                       {"class", check.failure},
                       {"why", check.why},
                       {"failed_at_step", step(check.failed_at)},
                       {"reached_step", step(check.reached)},
                       {"throughput",
                        {{"unit", check.unit.empty() ? ordered_json() : ordered_json(check.unit)},
                         {"usual", number(check.usual)},
                         {"before", number(check.last)},
                         {"now", number(check.now)}}}};
  return base::JsonText(json);
}

}  // namespace rankscope::diagnose
