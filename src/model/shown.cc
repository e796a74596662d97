#include "model/shown.h"

#include "model/words.h"

namespace rankscope::model {
namespace {

constexpr char32_t kReplacement = 0xfffd;

}  // namespace

bool IsControl(char32_t point) { return point < 0x20 || (point >= 0x7f && point < 0xa0); }

std::string Shown(std::string_view text, size_t most_bytes) {
  std::string shown;
  while (!text.empty()) {
    CodePoint point = FirstCodePoint(text);
    std::string_view bytes = text.substr(0, point.size);
    if (IsControl(point.value)) bytes = " ";
    if (point.value == kReplacement) bytes = "\ufffd";
    if (shown.size() + bytes.size() > most_bytes) break;
    shown += bytes;
    text.remove_prefix(point.size);
  }
  return shown;
}

}  // namespace rankscope::model
