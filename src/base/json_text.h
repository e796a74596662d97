#pragma once

#include <string>

namespace rankscope::base {

// The JSON in one line. What is no UTF-8 in it (names, paths and addresses come from outside as any bytes) becomes
// U+FFFD: nlohmann's plain dump() would throw.
template <typename Json>
std::string JsonText(const Json& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace rankscope::base
