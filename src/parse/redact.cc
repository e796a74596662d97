#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

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
    Shape{"xoxp-", 20}, Shape{"AIza", 30},     Shape{"eyJ", 40},  Shape{"rankscope_", 60}, Shape{"Bearer ", 16},
};

// A name is a secret's by its end, in any case: db_password, hubApiKey, X-Auth-Token.
constexpr std::array<std::string_view, 16> kTellingEnds = {
    "password", "passwd", "passphrase", "secret",     "credential", "credentials", "authorization", "api_key",
    "api-key",  "apikey", "access_key", "access-key", "secret_key", "secret-key",  "private_key",   "auth_key"};
// A variable's by any part.
constexpr std::array<std::string_view, 5> kTellingParts = {"PASSWORD", "PASSWD", "SECRET", "API_KEY", "ACCESS_KEY"};
constexpr std::string_view kToken = "token";
constexpr size_t kLeastSecret = 6;
constexpr size_t kMostSecret = 8192;  // so that a line of many signs takes linear time
constexpr size_t kLeastToken = 16;    // and letters and digits both: tokenizers have many a token that is none

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

bool EndsWithInAnyCase(std::string_view name, std::string_view end) {
  if (name.size() < end.size()) return false;
  name.remove_prefix(name.size() - end.size());
  return std::equal(name.begin(), name.end(), end.begin(),
                    [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
}

bool IsNameByte(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-'; }

// Where the word before the `=` or `:` at that place ends; it may be in quotes.
size_t NameEnd(std::string_view text, size_t sign) {
  auto between = [](char c) { return c == ' ' || c == '\'' || c == '"' || c == '\\'; };
  while (sign > 0 && between(text[sign - 1])) --sign;
  return sign;
}

std::string_view NameThatEnds(std::string_view text, size_t end) {
  size_t begin = end;
  while (begin > 0 && IsNameByte(text[begin - 1])) --begin;
  return text.substr(begin, end - begin);
}

std::string_view NameThatBegins(std::string_view text) {
  return text.substr(0, static_cast<size_t>(std::find_if_not(text.begin(), text.end(), IsNameByte) - text.begin()));
}

bool HasCapital(std::string_view text, size_t end) {
  for (; end > 0; --end) {
    const char c = text[end - 1];
    if (c >= 'A' && c <= 'Z') return true;
    if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-') return false;
  }
  return false;
}

// Whether a name that ends there may tell: a variable's in capitals by any part, another by its last two bytes, since
// nearly all signs follow a name that does not.
bool MayTell(std::string_view text, size_t end) {
  if (end < 2) return false;
  if (HasCapital(text, end)) return true;
  const char before = text[end - 2], last = text[end - 1];
  switch (last) {
    case 'd':  // password, passwd
      return before == 'r' || before == 'w';
    case 'e':  // passphrase
      return before == 's';
    case 'l':  // credential
      return before == 'a';
    case 'n':  // authorization, token
      return before == 'o' || before == 'e';
    case 's':  // credentials
      return before == 'l';
    case 't':  // secret
    case 'y':  // key
      return before == 'e';
  }
  return false;
}

struct Value {
  size_t begin, end;
  bool quoted;
};

// Where a URL's next parameter begins, `&NAME=`; npos: none does.
size_t NextParameter(std::string_view value) {
  for (size_t at = value.find('&'); at != std::string_view::npos; at = value.find('&', at + 1)) {
    const size_t end = at + 1 + NameThatBegins(value.substr(at + 1)).size();
    if (end > at + 1 && end < value.size() && value[end] == '=') return at;
  }
  return std::string_view::npos;
}

// A URL's parameter ends where the next begins; any other value may hold a `&`.
Value ValueAfter(std::string_view text, size_t sign, bool is_parameter) {
  constexpr std::string_view kBefore = " '\"\\";
  size_t begin = sign + 1;
  while (begin < text.size() && kBefore.find(text[begin]) != std::string_view::npos) ++begin;
  for (std::string_view scheme : {"Bearer ", "Basic ", "Token "}) {
    if (text.substr(begin).starts_with(scheme)) begin += scheme.size();
  }
  const char before = text[begin - 1];
  const bool quoted = before == '\'' || before == '"';
  std::string_view value = text.substr(begin, kMostSecret);
  value = value.substr(0, quoted ? value.find(before) : value.find_first_of(" \t\n'\",;"));
  if (is_parameter && !quoted) value = value.substr(0, NextParameter(value));
  size_t end = begin + value.size();
  while (end > begin && text[end - 1] == '\\') --end;
  return {begin, end, quoted};
}

bool IsNumber(std::string_view text) {
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool LooksLikeToken(std::string_view value) {
  auto is = [](int (*kind)(int)) { return [kind](unsigned char c) { return kind(c) != 0; }; };
  return value.size() >= kLeastToken && std::all_of(value.begin(), value.end(), IsSecretByte) &&
         std::any_of(value.begin(), value.end(), is(std::isdigit)) &&
         std::any_of(value.begin(), value.end(), is(std::isalpha));
}

enum class Telling { kNothing, kToken, kSecret, kVariable };

Telling TellingOf(std::string_view name) {
  auto in_name = [&](std::string_view part) { return name.find(part) != std::string_view::npos; };
  auto at_end = [&](std::string_view end) { return EndsWithInAnyCase(name, end); };
  if (name.ends_with("TOKEN") || std::any_of(kTellingParts.begin(), kTellingParts.end(), in_name))
    return Telling::kVariable;
  if (at_end(kToken)) return Telling::kToken;
  return std::any_of(kTellingEnds.begin(), kTellingEnds.end(), at_end) ? Telling::kSecret : Telling::kNothing;
}

bool IsSecret(Telling telling, std::string_view value, bool quoted) {
  if (value.size() < kLeastSecret || value.starts_with(kRedacted)) return false;
  if (telling == Telling::kVariable) return true;
  if (!quoted && IsNumber(value)) return false;  // a metric
  return telling == Telling::kSecret || LooksLikeToken(value);
}

// Whether the name, which stands in the text, is of a URL's parameter.
bool IsParameter(std::string_view text, std::string_view name) {
  const auto at = static_cast<size_t>(name.data() - text.data());
  return at > 0 && (text[at - 1] == '?' || text[at - 1] == '&');
}

// NAME=value, NAME: value, "NAME": "value" where the name tells.
bool RedactNamed(char sign, std::string* text) {
  bool any = false;
  for (size_t at = text->find(sign); at != std::string::npos; at = text->find(sign, at + 1)) {
    const size_t end = NameEnd(*text, at);
    if (!MayTell(*text, end) || text->compare(at, 2, "::") == 0) continue;
    const std::string_view name = NameThatEnds(*text, end);
    Telling telling = TellingOf(name);
    if (telling == Telling::kNothing) continue;
    const bool is_parameter = IsParameter(*text, name);
    if (telling == Telling::kToken && is_parameter) telling = Telling::kSecret;
    Value value = ValueAfter(*text, at, is_parameter);
    if (!IsSecret(telling, std::string_view(*text).substr(value.begin, value.end - value.begin), value.quoted))
      continue;
    text->replace(value.begin, value.end - value.begin, kRedacted);
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
  for (char sign : {'=', ':'}) any = RedactNamed(sign, text) || any;
  return RedactUrl(text) || any;
}

}  // namespace rankscope::parse
