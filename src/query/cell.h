#pragma once

#include <string>

#include "model/aggregation.h"
#include "model/record_value.h"

namespace rankscope::query {

// -1, 0, 1. No value first, then numbers and times (NaN after all others), then texts by their bytes.
int Compare(const model::ValueView& a, const model::ValueView& b);

// A view of the cell; Points have none (monostate).
model::ValueView ViewOf(const model::Cell& cell);

// Appends bytes that are equal for values of one group and different for others: an integral double is its integer,
// all NaN are one, a text is never a number. The bytes end themselves.
void AppendIdentity(const model::ValueView& value, std::string* out);

}  // namespace rankscope::query
