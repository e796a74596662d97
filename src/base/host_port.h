#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace rankscope::base {

struct HostPort {
  std::string host;  // IPv6 without its brackets
  uint16_t port = 0;
};

// "host:7070" or "[::1]:7070". kInvalid names what was given.
Result<HostPort> ParseHostPort(std::string_view text);

std::string FormatHostPort(const HostPort& address);

}  // namespace rankscope::base
