#include "model/ansi.h"

namespace rankscope::model {
namespace {

// The end of the escape sequence that begins at `at` (text[at] is ESC).
size_t EndOfSequence(std::string_view text, size_t at) {
  if (at + 1 >= text.size()) return text.size();
  char kind = text[at + 1];
  if (kind == '[') {  // CSI: parameters, then a byte from @ to ~
    for (at += 2; at < text.size(); ++at) {
      if (text[at] >= '@' && text[at] <= '~') return at + 1;
    }
    return text.size();
  }
  if (kind == ']') {  // OSC: to BEL or ESC backslash
    for (at += 2; at < text.size(); ++at) {
      if (text[at] == '\a') return at + 1;
      if (text[at] == '\x1b' && at + 1 < text.size() && text[at + 1] == '\\') return at + 2;
    }
    return text.size();
  }
  return at + 2;
}

}  // namespace

std::string StripAnsi(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '\x1b') {
      at = EndOfSequence(text, at);
    } else {
      out.push_back(text[at++]);
    }
  }
  return out;
}

}  // namespace rankscope::model
