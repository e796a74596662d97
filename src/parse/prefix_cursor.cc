#include "parse/prefix_cursor.h"

namespace rankscope::parse {

std::optional<int32_t> NumberOf(std::string_view text, std::string_view word) {
  PrefixCursor cursor(text);
  if (!cursor.Take(word)) return std::nullopt;
  if (!cursor.rest().empty() && std::string_view("-_: =").find(cursor.rest().front()) != std::string_view::npos) {
    cursor.Take(cursor.rest().substr(0, 1));
  }
  cursor.TakeAll(' ');
  auto number = cursor.TakeNumber<int32_t>();
  return cursor.rest().empty() ? number : std::nullopt;
}

std::optional<int32_t> NodeNumber(std::string_view text) {
  for (std::string_view word : {"node", "worker", "host"}) {
    if (auto number = NumberOf(text, word)) return number;
  }
  return std::nullopt;
}

}  // namespace rankscope::parse
