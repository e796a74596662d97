#pragma once

#include <vector>

#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// What the metrics of a run say of its health: loss or gradient norm that is no number, that leaves its course, loss
// scales that fall without end, steps that grow slower, ranks that hold the others back. Each with its figures.
std::vector<Suspect> FindCourses(const Reading& reading);

}  // namespace rankscope::diagnose
