#pragma once

#include <vector>

#include "model/aggregation.h"
#include "store/view.h"

namespace rankscope::store {

// The patterns of the scan's text records, counted on classes of rows: of lines that have a template no text is read
// but one example a pattern. What is damaged is left out, which the budget then says.
std::vector<model::Pattern> CountPatterns(const View& view, const model::Scan& scan, const ScanFilter& filter,
                                          base::Budget* budget);

}  // namespace rankscope::store
