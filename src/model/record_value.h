#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "model/aggregation.h"
#include "model/record.h"

namespace rankscope::model {

// A key of the JSON form of a record.
struct RecordKey {
  enum class Kind : uint8_t {
    kTimestamp,
    kProject,
    kJob,
    kAttempt,
    kNodeRank,
    kRank,
    kLocalRank,
    kHost,
    kStream,
    kSeq,
    kStep,
    kLevel,
    kMessage,
    kField,  // any other name
  };
  Kind kind = Kind::kField;
  std::string name;

  static RecordKey Of(std::string_view name);
};

// A value in a record; texts point into it. monostate: the record has none.
using ValueView = std::variant<std::monostate, int64_t, double, std::string_view, Time>;

// What the record's JSON form has under the key: a member that is known, else the field of that name.
ValueView ValueOf(const Record& record, const RecordKey& key);

Cell ToCell(const ValueView& value);

// The number that the whole text is: an int64_t exactly where it is one, else the nearest double (also "NaN",
// "Infinity", "-inf"; any case). Nothing: it is no number.
std::optional<std::variant<int64_t, double>> ParseNumber(std::string_view text);

// Each int64_t and each double as itself.
std::optional<long double> WideNumber(const ValueView& value);
std::optional<long double> ParseWideNumber(std::string_view text);

// As in JSON, but NaN, Infinity and -Infinity without quotes.
std::string NumberText(double value);

}  // namespace rankscope::model
