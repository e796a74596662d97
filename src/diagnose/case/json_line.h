#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace rankscope::diagnose {

// What a line that is a JSON object says of itself: a record's JSON form, what other tools write, or Docker's
// json-file.
struct JsonLine {
  std::string text;  // of the message, which may have several lines; without one, the line
  std::optional<base::TimeNs> time;
  std::optional<int32_t> node_rank, rank, local_rank, attempt;
  // Of an object without a message: the same for those that say the same things of the same host, switch, port, device.
  uint64_t series = 0;
};

// Nothing: the line is no object.
std::optional<JsonLine> ReadJsonLine(std::string_view line);

// The messages of a sample of a file, a line each, where most of its lines are objects: Docker's json-file, loggers
// that write JSON, reports without a message. Nothing: they are not.
std::optional<std::string> MessagesIn(std::string_view sample);

}  // namespace rankscope::diagnose
