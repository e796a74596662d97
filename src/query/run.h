#pragma once

#include <functional>
#include <string>

#include "base/budget.h"
#include "base/status.h"
#include "query/json_rows.h"
#include "query/log_source.h"
#include "query/query.h"
#include "query/row.h"

namespace rankscope::query {

// Calls `take` with each row of the answer; stops when it returns false. Once the budget is spent it ends with what
// there is, and OK: the answer is then partial (budget->met() says why).
base::Status RunQuery(LogSource* source, const Query& query, base::Budget* budget,
                      const std::function<bool(const Row&)>& take);

// The same with rows as JSON objects.
base::Status RunQueryAsJson(LogSource* source, const Query& query, base::Budget* budget, const TakeLines& take);

// What a reader is told when an answer is partial: "the query met its limit of 60 s …".
std::string ExplainLimit(const base::Budget& budget);

}  // namespace rankscope::query
