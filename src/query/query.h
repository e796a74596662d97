#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/selection.h"
#include "query/log_source.h"

namespace re2 {
class RE2;
}

namespace rankscope::query {

// A parsed query. Grammar (docs/design/query.md), all terms ANDed:
//   query  := term* ('|' pipe)*
//   term   := NAME ':' VALUE | '"' phrase '"' | '~"' regex '"' | '*' substring '*' | word | '-' term
//   NAME   := job | job_id | rank | node_rank | stream | host | level | project | _time | any field name
//   _time  := _time:[RFC3339,RFC3339] | _time:DURATION (the last)
//   pipe   := 'limit' N | 'sort' 'timestamp' ['asc'|'desc'] | 'stats' 'count()' 'as' NAME
// Words and phrases match case-sensitively at token borders ([A-Za-z0-9_] runs) of the ANSI-stripped text.
struct Condition {
  enum class Kind { kPhrase, kSubstring, kRegex, kField };
  Kind kind;
  std::string name;  // of the field
  std::string text;
  bool negated = false;
  std::shared_ptr<const re2::RE2> regex;
};

struct Query {
  model::Selection selection;
  std::vector<Condition> conditions;
  bool newest_first = false;
  std::optional<uint64_t> limit;
  std::string count_as;  // non-empty: answer with one object {count_as: N}
};

// kInvalid names what is wrong and at which character.
base::Result<Query> ParseQuery(std::string_view text, base::TimeNs now);
bool Matches(const Query& query, const model::Record& record);
// The records that the query's selection holds; its conditions are left to Matches.
model::Scan ScanOf(const Query& query);

// Calls `take` with each line of the answer (a JSON object, no newline); stops when it returns false.
base::Status RunQuery(LogSource* source, const Query& query, const std::function<bool(std::string_view)>& take);

}  // namespace rankscope::query
