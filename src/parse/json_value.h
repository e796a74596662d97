#pragma once

#include <cstdint>
#include <string_view>

namespace rankscope::parse {

// A value of a JSON object.
struct JsonValue {
  enum class Kind : uint8_t { kNull, kTruth, kNumber, kText, kNested };
  Kind kind = Kind::kNull;
  std::string_view text;  // a text without its escapes, all else as it is written
};

}  // namespace rankscope::parse
