#include <algorithm>
#include <array>
#include <cctype>

#include "parse/line_record.h"

namespace rankscope::parse {
namespace {

constexpr std::string_view kRedacted = "[REDACTED]";

// A secret that begins with a telling prefix and goes on for at least `least` letters, digits, '_', '-' or '.'.
struct Shape {
  std::string_view prefix;
  size_t least;
};
constexpr std::array kShapes = {
    Shape{"hf_", 30},   Shape{"api_org_", 30}, Shape{"ghp_", 36}, Shape{"gho_", 36},       Shape{"github_pat_", 60},
    Shape{"AKIA", 16},  Shape{"ASIA", 16},     Shape{"sk-", 20},  Shape{"glpat-", 20},     Shape{"xoxb-", 20},
    Shape{"xoxp-", 20}, Shape{"AIza", 30},     Shape{"eyJ", 40},  Shape{"rankscope_", 60},
};

// NAME=value or NAME: value where the name tells.
constexpr std::array<std::string_view, 6> kTellingNames = {"PASSWORD", "PASSWD", "SECRET",
                                                           "API_KEY",  "TOKEN=", "ACCESS_KEY"};

bool IsSecretByte(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.'; }

size_t RunLength(const std::string& text, size_t at) {
  size_t end = at;
  while (end < text.size() && IsSecretByte(text[end])) ++end;
  return end - at;
}

bool RedactShape(const Shape& shape, std::string* text) {
  bool any = false;
  for (size_t at = text->find(shape.prefix); at != std::string::npos; at = text->find(shape.prefix, at + 1)) {
    bool inside_word = at > 0 && (std::isalnum(static_cast<unsigned char>((*text)[at - 1])) || (*text)[at - 1] == '_');
    size_t begin = at + shape.prefix.size();
    size_t length = RunLength(*text, begin);
    if (inside_word || length < shape.least) continue;
    text->replace(begin, length, kRedacted);
    any = true;
  }
  return any;
}

bool RedactNamed(std::string_view name, std::string* text) {
  bool any = false;
  for (size_t at = text->find(name); at != std::string::npos; at = text->find(name, at + 1)) {
    size_t begin = at + name.size();
    if (name.back() != '=') {
      begin = text->find_first_of("=:", begin);
      if (begin == std::string::npos || begin - at > name.size() + 12) continue;
      ++begin;
    }
    while (begin < text->size() && ((*text)[begin] == ' ' || (*text)[begin] == '\'' || (*text)[begin] == '"')) ++begin;
    size_t end = std::min(text->find_first_of(" \t\n'\",;", begin), text->size());
    if (end - begin < 6 || text->compare(begin, kRedacted.size(), kRedacted) == 0) continue;
    text->replace(begin, end - begin, kRedacted);
    any = true;
  }
  return any;
}

// https://user:password@host
bool RedactUrl(std::string* text) {
  bool any = false;
  for (size_t at = text->find("://"); at != std::string::npos; at = text->find("://", at + 3)) {
    size_t end = std::min(text->find_first_of(" \t\n'\"/", at + 3), text->size());
    size_t sign = text->rfind('@', end);
    size_t colon = text->find(':', at + 3);
    if (sign == std::string::npos || sign <= at || colon >= sign) continue;
    text->replace(colon + 1, sign - colon - 1, kRedacted);
    any = true;
  }
  return any;
}

}  // namespace

bool RedactSecrets(std::string* text) {
  bool any = false;
  for (const Shape& shape : kShapes) any = RedactShape(shape, text) || any;
  for (std::string_view name : kTellingNames) any = RedactNamed(name, text) || any;
  return RedactUrl(text) || any;
}

}  // namespace rankscope::parse
