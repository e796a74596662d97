#include "store/scan/pattern_mask.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "model/ansi.h"
#include "model/record_value.h"
#include "store/texts/text_template.h"

namespace rankscope::store {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHexDigit(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

// What stands between blanks, quotes, brackets and the like.
bool Separates(char c) { return std::string_view(" \t\r\n\"'`()[]{}<>,;=|:").find(c) != std::string_view::npos; }

bool IsUuid(std::string_view token) {
  if (token.size() != 36) return false;
  for (size_t i = 0; i < token.size(); ++i) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? token[i] != '-' : !IsHexDigit(token[i])) return false;
  }
  return true;
}

bool IsHex(std::string_view token) {
  bool prefixed = token.starts_with("0x") && token.size() > 2;
  if (prefixed) token.remove_prefix(2);
  bool long_enough = prefixed || token.size() >= 8;
  return long_enough && std::all_of(token.begin(), token.end(), IsHexDigit);
}

// The mask of a token, or nothing when it stays as it is.
std::string_view MaskOf(std::string_view token) {
  bool digits = std::any_of(token.begin(), token.end(), IsDigit);
  if (token.size() > 1 && token.find('/') != std::string_view::npos) {
    return token.starts_with('/') || token.starts_with("./") || token.starts_with("~/") || digits ? "<path>" : "";
  }
  if (!digits) return "";
  if (auto number = model::ParseNumber(token)) return std::holds_alternative<int64_t>(*number) ? "<int>" : "<float>";
  if (IsUuid(token)) return "<uuid>";
  return IsHex(token) ? "<hex>" : "<*>";
}

void AppendMasked(std::string_view token, std::string* out) {
  // A full stop or a percent sign belongs to the sentence, not to the number before it.
  size_t end = token.find_last_not_of(".%!?");
  std::string_view tail = end == std::string_view::npos ? token : token.substr(end + 1);
  token.remove_suffix(tail.size());
  std::string_view mask = MaskOf(token);
  out->append(mask.empty() ? token : mask);
  out->append(tail);
}

std::string Mask(std::string_view text) {
  std::string plain;
  if (text.find('\x1b') != std::string_view::npos) text = plain = model::StripAnsi(text);
  text = text.substr(0, text.find('\n'));
  std::string out;
  for (size_t at = 0; at < text.size();) {
    size_t begin = at;
    while (at < text.size() && !Separates(text[at])) ++at;
    if (at > begin) AppendMasked(text.substr(begin, at - begin), &out);
    if (at < text.size()) out.push_back(text[at++]);
  }
  return out;
}

// A value such as those that leave the marker behind.
std::string_view SampleOf(char marker) {
  switch (static_cast<Slot>(marker)) {
    case Slot::kInteger:
      return "1";
    case Slot::kDecimal:
      return "1.5";
    case Slot::kScientific:
      return "1.5e-05";
    case Slot::kHexLower:
      return "0a1b2c3d";
    case Slot::kHexUpper:
      return "0A1B2C3D";
    case Slot::kUuid:
      return "00000000-0000-0000-0000-000000000000";
    case Slot::kWord:
      return "x1y2";
  }
  return "";
}

}  // namespace

// Of a line that the template might stand for: then what is masked does not depend on the variables.
std::string PatternOfTemplate(std::string_view form) {
  std::string line;
  for (char c : form.substr(0, form.find('\n'))) {
    if (IsMarker(c)) {
      line += SampleOf(c);
    } else {
      line.push_back(c);
    }
  }
  return Mask(line);
}

std::string PatternOf(std::string_view text) {
  std::string form;
  std::vector<Variable> variables;
  return SplitText(text, &form, &variables) ? PatternOfTemplate(form) : Mask(text);
}

}  // namespace rankscope::store
