#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/record_view.h"

namespace rankscope::detect {

// The schedule of the learning rate that a run says it has, where its form is known: linear, cosine, constant,
// polynomial or inverse square root, each with a warm-up, as Hugging Face's Trainer makes them.
struct DeclaredSchedule {
  enum class Family : uint8_t { kConstant, kLinear, kCosine, kInverseSqrt };
  std::string name;  // as the run calls it
  Family family = Family::kConstant;
  double peak = 0;
  double warmup_steps = 0, total_steps = 0;

  // The rate in the step, which may be a fraction.
  double At(double step) const;
};

// From the arguments in an event `training_arguments`; nothing: it is none, or of a form that is not known.
std::optional<DeclaredSchedule> ScheduleOf(const model::RecordView& event);

}  // namespace rankscope::detect
