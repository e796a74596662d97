#include "parse/json_repair.h"

#include <charconv>
#include <limits>

#include "model/words.h"

namespace rankscope::parse {
namespace {

constexpr size_t kEscapeBytes = 6;  // \uXXXX

// The code unit of the escape at the start; none: there is another thing.
std::optional<unsigned> EscapedUnit(std::string_view text) {
  unsigned unit = 0;
  if (!text.starts_with("\\u") || text.size() < kEscapeBytes) return std::nullopt;
  auto [end, error] = std::from_chars(text.data() + 2, text.data() + kEscapeBytes, unit, 16);
  if (error != std::errc() || end != text.data() + kEscapeBytes) return std::nullopt;
  return unit;
}

bool IsHigh(unsigned unit) { return unit >= 0xd800 && unit < 0xdc00; }
bool IsLow(unsigned unit) { return unit >= 0xdc00 && unit < 0xe000; }

// How long the escape is that begins the text, of both halves of a pair of surrogates; 0: half of one, alone.
size_t EscapeLength(std::string_view text) {
  auto unit = EscapedUnit(text);
  if (!unit) return 2;
  if (!IsHigh(*unit)) return IsLow(*unit) ? 0 : kEscapeBytes;
  auto next = EscapedUnit(text.substr(kEscapeBytes));
  return next && IsLow(*next) ? 2 * kEscapeBytes : 0;
}

}  // namespace

std::string RepairedJson(std::string_view line) {
  std::string out;
  bool in_text = false;
  while (!line.empty()) {
    size_t size = 1;
    if (in_text) {
      if (line[0] == '\\' && line.size() > 1 && static_cast<unsigned char>(line[1]) < 0x80) {
        size = EscapeLength(line);
        if (size == 0) {
          out.append("\xef\xbf\xbd");
          line.remove_prefix(kEscapeBytes);
          continue;
        }
      } else {
        size = model::FirstCodePoint(line).size;
        if (line[0] == '"') in_text = false;
      }
    } else if (line[0] == '"') {
      in_text = true;
    } else {
      for (std::string_view word : {"NaN", "Infinity", "-Infinity"}) {
        if (!line.starts_with(word)) continue;
        out.append("\"").append(word).append("\"");
        line.remove_prefix(word.size());
        size = 0;
        break;
      }
    }
    bool broken = size == 1 && static_cast<unsigned char>(line[0]) >= 0x80;
    out.append(broken ? std::string_view("\xef\xbf\xbd") : line.substr(0, size));
    line.remove_prefix(size);
  }
  return out;
}

std::optional<double> NonFinite(std::string_view text) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return kInfinity;
  if (text == "-Infinity") return -kInfinity;
  return std::nullopt;
}

}  // namespace rankscope::parse
