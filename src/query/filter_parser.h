#pragma once

#include "base/clock.h"
#include "base/status.h"
#include "model/filter.h"
#include "query/scanner.h"

namespace rankscope::query {

// The filter part of a query, up to `|` or the end. kInvalid as ParseQuery says.
base::Result<model::Filter> ParseFilter(Scanner* scanner, base::TimeNs now);

// What stands after `name:`, as a filter on that name (which is canonical).
base::Result<model::Filter> ParseFieldValue(Scanner* scanner, const std::string& name, base::TimeNs now);

// `*part*` or `*"part"*`, the first * being here.
base::Result<model::Filter> ParseSubstring(Scanner* scanner, const std::string& name, bool case_sensitive);
// `"regex"`, after the ~.
base::Result<model::Filter> ParseRegex(Scanner* scanner, const std::string& name);

// A regex that finds just the text.
std::string QuoteForRegex(std::string_view text);

}  // namespace rankscope::query
