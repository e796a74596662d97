#include "parse/json_repair.h"

#include <limits>

#include "model/words.h"

namespace rankscope::parse {

std::string RepairedJson(std::string_view line) {
  std::string out;
  bool in_text = false;
  while (!line.empty()) {
    size_t size = 1;
    if (in_text) {
      if (line[0] == '\\' && line.size() > 1 && static_cast<unsigned char>(line[1]) < 0x80) {
        size = 2;
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
