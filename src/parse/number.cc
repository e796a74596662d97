#include "parse/number.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>

namespace rankscope::parse {
namespace {

bool Lower(std::string_view text, std::string_view wanted) {
  if (text.size() != wanted.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((text[i] | 0x20) != wanted[i]) return false;
  }
  return true;
}

std::optional<double> Special(std::string_view text) {
  bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  if (Lower(text, "nan")) return std::numeric_limits<double>::quiet_NaN();
  if (!Lower(text, "inf") && !Lower(text, "infinity")) return std::nullopt;
  return negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
}

// "7,123" and "1,234,567.5": a comma every three digits.
std::string WithoutThousands(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ',') {
      out.push_back(text[i]);
    } else if (i == 0 || std::min(text.find_first_not_of("0123456789", i + 1), text.size()) != i + 4) {
      return "";
    }
  }
  return out;
}

}  // namespace

std::string_view Trim(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::optional<double> ParseNumber(std::string_view text) {
  text = Trim(text);
  if (text.size() >= 2 && (text.front() == '\'' || text.front() == '"') && text.back() == text.front()) {
    text = text.substr(1, text.size() - 2);
  }
  if (size_t open = text.find("float"); text.starts_with("np.") && open == 3 && text.back() == ')') {
    text = text.substr(text.find('(') + 1);
    text.remove_suffix(1);
  }
  if (auto special = Special(text)) return special;
  std::string plain;
  if (text.find(',') != std::string_view::npos) {
    plain = WithoutThousands(text);
    text = plain;
  }
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace rankscope::parse
