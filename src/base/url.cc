#include "base/url.h"

#include <charconv>

namespace rankscope::base {

std::string UrlEncode(std::string_view text) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (kPlain.find(c) != std::string_view::npos) {
      out.push_back(c);
    } else {
      out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
  return out;
}

Result<std::string> UrlDecode(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out.push_back(text[at]);
      continue;
    }
    std::string_view digits = text.substr(at + 1, 2);
    unsigned char byte = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    bool is_byte = error == std::errc() && digits.size() == 2 && end == digits.data() + 2;
    if (!is_byte || byte == 0) {
      return Status::Invalid("want two hexadecimal digits behind %, as %25 for % itself, and not 00, found \"" +
                             std::string(text.substr(at, 3)) + "\"");
    }
    out.push_back(static_cast<char>(byte));
    at += 2;
  }
  return out;
}

}  // namespace rankscope::base
