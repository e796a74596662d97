#include "notify/text.h"

#include "model/shown.h"

namespace rankscope::notify {
namespace {

constexpr std::string_view kEllipsis = "…";

bool Continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Bytes of the character at the front; REQUIRES that there is one.
size_t RuneBytes(std::string_view text) {
  auto lead = static_cast<unsigned char>(text.front());
  size_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  size_t bytes = 1;
  while (bytes < wanted && bytes < text.size() && Continues(text[bytes])) ++bytes;
  return bytes == wanted ? bytes : 1;
}

}  // namespace

size_t CountRunes(std::string_view text) {
  size_t runes = 0;
  for (; !text.empty(); text.remove_prefix(RuneBytes(text))) ++runes;
  return runes;
}

std::string CutBytes(std::string_view text, size_t most_bytes) {
  if (text.size() <= most_bytes) return std::string(text);
  if (most_bytes < kEllipsis.size()) return {};
  size_t end = 0;
  for (size_t next = 0; next <= most_bytes - kEllipsis.size(); next = end + RuneBytes(text.substr(end))) end = next;
  return std::string(text.substr(0, end)) + std::string(kEllipsis);
}

std::string CutRunes(std::string_view text, size_t most_runes) {
  if (text.size() <= most_runes || CountRunes(text) <= most_runes) return std::string(text);
  if (most_runes == 0) return {};
  size_t end = 0;
  for (size_t runes = 1; runes < most_runes; ++runes) end += RuneBytes(text.substr(end));
  return std::string(text.substr(0, end)) + std::string(kEllipsis);
}

std::string OneLine(std::string_view text) { return model::Shown(text); }

std::string EscapeAngles(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string EscapeMarkdown(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '<') {
      out += "‹";
    } else if (c == '>') {
      out += "›";
    } else if (c == '@') {
      out += "＠";
    } else {
      if (std::string_view("\\`*_[]#~|").find(c) != std::string_view::npos) out.push_back('\\');
      out.push_back(c);
    }
  }
  return out;
}

}  // namespace rankscope::notify
