#include "base/host_port.h"

#include <charconv>

namespace rankscope::base {

Result<HostPort> ParseHostPort(std::string_view text) {
  size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, colon == std::string_view::npos ? 0 : colon);
  std::string_view digits = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  bool brackets = host.starts_with('[') && host.ends_with(']');
  if (brackets) host = host.substr(1, host.size() - 2);
  bool is_host = !host.empty() && host.find_first_of("/[] ") == std::string_view::npos &&
                 (brackets || host.find(':') == std::string_view::npos);  // IPv6 wants brackets
  uint16_t port = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (!is_host || error != std::errc() || end != digits.data() + digits.size()) {
    return Status::Invalid("\"" + std::string(text) + "\" is not HOST:PORT or [IPV6]:PORT");
  }
  return HostPort{std::string(host), port};
}

std::string FormatHostPort(const HostPort& address) {
  bool brackets = address.host.find(':') != std::string::npos;
  return (brackets ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace rankscope::base
