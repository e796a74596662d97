#pragma once

#include <string>
#include <vector>

#include "query/query.h"

namespace rankscope::query {

// The columns of the answer's rows, in order, where the query names them: those of its last `fields` or `stats`.
// Empty: its rows are records or patterns, which have what they have.
std::vector<std::string> ColumnsOf(const Query& query);

}  // namespace rankscope::query
