#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace rankscope::diagnose {

// What a line that is a JSON object says of itself; an object without a message is its own text.
struct JsonLine {
  std::string text;
  std::optional<base::TimeNs> time;
  std::optional<int32_t> node_rank, rank, local_rank;
};

// Nothing: the line is no object. Keys are those of a record's JSON form and what other tools call them.
std::optional<JsonLine> ReadJsonLine(std::string_view line);

// The number that follows "rank": in the line, unread otherwise.
std::optional<int32_t> RankOfJsonLine(std::string_view line);

// {"log":"text\n","stream":"stdout","time":"…"}: Docker's json-file.
bool IsContainerJson(std::string_view line);

}  // namespace rankscope::diagnose
