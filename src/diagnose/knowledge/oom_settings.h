#pragma once

#include <vector>

#include "diagnose/knowledge/insights.h"

namespace rankscope::diagnose {

// The settings that go with running out of GPU memory, least chance first, at most 10 whose chance is below 0.05. A
// setting of numbers is split where it tells most ("at least 16"), one of texts at each value.
std::vector<Insights::Setting> OomSettings(const std::vector<JobFacts>& jobs);

// Of drawing `hits` or more marked ones in `drawn` draws from `all`, of which `marked` are marked.
double ChanceOfAtLeast(size_t hits, size_t drawn, size_t marked, size_t all);

}  // namespace rankscope::diagnose
