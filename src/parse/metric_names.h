#pragma once

#include <string_view>

#include "model/record.h"

namespace rankscope::parse {

// Adds a printed value under its canonical name (DESIGN.md section 3), converted to the canonical unit, and under its
// own where that differs. A name seen before keeps its first value.
void AddMetric(std::string_view name, double value, model::Fields* fields);

// Whether the name is one by which frameworks print a training metric.
bool IsMetricName(std::string_view name);

}  // namespace rankscope::parse
