#include "detect/detectors/declared_schedule.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace rankscope::detect {
namespace {

using Family = DeclaredSchedule::Family;

struct Named {
  std::string_view name;
  Family family;
};
// With their parameters as they are by default; a polynomial then is a line.
constexpr std::array kFamilies = {
    Named{"constant", Family::kConstant},
    Named{"constant_with_warmup", Family::kConstant},
    Named{"linear", Family::kLinear},
    Named{"polynomial", Family::kLinear},
    Named{"cosine", Family::kCosine},
    Named{"cosine_with_restarts", Family::kCosine},
    Named{"inverse_sqrt", Family::kInverseSqrt},
};
constexpr double kTimescale = 10000;  // of the inverse square root without a warm-up

// The value of a key of the object that the text is.
std::string TextIn(std::string_view json, const std::string& key) {
  std::string value;
  RE2::PartialMatch(json, '"' + key + "\": *\"([^\"]*)\"", &value);
  return value;
}

double NumberIn(std::string_view json, const std::string& key) {
  double value = 0;
  RE2::PartialMatch(json, '"' + key + "\": *([-+.0-9eE]+)", &value);
  return value;
}

std::optional<Family> FamilyOf(std::string_view name) {
  for (const Named& known : kFamilies) {
    if (known.name == name) return known.family;
  }
  return std::nullopt;
}

}  // namespace

std::optional<DeclaredSchedule> ScheduleOf(const model::RecordView& event) {
  const model::FieldView* kind = event.stream == model::Stream::kEvent ? event.FindField("event") : nullptr;
  const model::FieldView* arguments =
      kind && kind->text == "training_arguments" ? event.FindField("arguments") : nullptr;
  if (!arguments) return std::nullopt;
  std::string_view json = arguments->text;
  // Parameters of the family's own make it another one.
  static const RE2 kOwnParameters(R"("lr_scheduler_kwargs": *\{ *")");
  if (RE2::PartialMatch(json, kOwnParameters)) return std::nullopt;
  DeclaredSchedule schedule;
  schedule.name = TextIn(json, "lr_scheduler_type");
  auto family = FamilyOf(schedule.name);
  schedule.peak = NumberIn(json, "learning_rate");
  const model::FieldView* total = event.FindField("total_steps");
  if (total)
    schedule.total_steps =
        total->kind == model::FieldView::Kind::kInteger ? static_cast<double>(total->integer) : total->number;
  if (!family || !(schedule.peak > 0) || !(schedule.total_steps > 0)) return std::nullopt;
  schedule.family = *family;
  bool warms_up = schedule.name != "constant";
  double steps = NumberIn(json, "warmup_steps"), ratio = NumberIn(json, "warmup_ratio");
  if (steps > 0 && steps < 1) ratio = std::exchange(steps, 0);  // transformers 5 says a ratio so, too
  if (warms_up) schedule.warmup_steps = steps > 0 ? steps : std::ceil(ratio * schedule.total_steps);
  return schedule;
}

double DeclaredSchedule::At(double step) const {
  step = std::max(0.0, step);
  if (step < warmup_steps) return peak * step / warmup_steps;
  double done = std::clamp((step - warmup_steps) / std::max(1.0, total_steps - warmup_steps), 0.0, 1.0);
  switch (family) {
    case Family::kConstant:
      return peak;
    case Family::kLinear:
      return peak * (1 - done);
    case Family::kCosine:
      return peak * (1 + std::cos(M_PI * done)) / 2;
    case Family::kInverseSqrt: {
      double timescale = warmup_steps > 0 ? warmup_steps : kTimescale;
      return peak / std::sqrt((step - warmup_steps + timescale) / timescale);
    }
  }
  return peak;
}

}  // namespace rankscope::detect
