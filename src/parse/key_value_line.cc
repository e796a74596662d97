#include <algorithm>
#include <cctype>
#include <optional>

#include "parse/metric_formats.h"
#include "parse/metric_names.h"
#include "parse/number.h"

namespace rankscope::parse {
namespace {

bool IsKeyByte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '/' || c == '(' || c == ')' || c == '.' ||
         c == '-';
}

constexpr std::string_view kEndOfNumber = " ,|;)]}\t";

// Three digits and no fourth: what follows a comma within "7,123".
bool IsThousands(std::string_view text) {
  size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  return digits == 3;
}

// The number at the start of the text and how many bytes it takes; units stuck to it ("6.01GB", "16.1%") end it.
std::optional<double> LeadingNumber(std::string_view text, size_t* length) {
  size_t end = text.find_first_of(kEndOfNumber);
  while (end != std::string_view::npos && text[end] == ',' && IsThousands(text.substr(end + 1))) {
    end = text.find_first_of(kEndOfNumber, end + 1);
  }
  std::string_view token = text.substr(0, end);
  while (!token.empty()) {
    if (auto number = ParseNumber(token)) {
      *length = token.size();
      return number;
    }
    char last = token.back();
    if (!std::isalpha(static_cast<unsigned char>(last)) && last != '%' && last != '/' && last != '.')
      return std::nullopt;
    token.remove_suffix(1);
  }
  return std::nullopt;
}

// The key that ends just before `end`: the longest known name among its last words.
std::string_view KeyBefore(std::string_view text, size_t end) {
  while (end > 0 && text[end - 1] == ' ') --end;
  std::string_view best;
  size_t begin = end;
  for (int words = 0; words < 6 && begin > 0; ++words) {
    while (begin > 0 && IsKeyByte(text[begin - 1])) --begin;
    std::string_view key = text.substr(begin, end - begin);
    if (IsMetricName(key)) best = key;
    if (begin == 0 || text[begin - 1] != ' ') break;
    --begin;
  }
  return best;
}

// " iteration       71/     100 |": a step and how many there will be.
void AddIteration(std::string_view text, model::Fields* fields) {
  constexpr std::string_view kWord = "iteration";
  size_t at = text.find(kWord);
  if (at == std::string_view::npos) return;
  std::string_view rest = text.substr(at + kWord.size());
  size_t slash = rest.find('/');
  if (slash == std::string_view::npos || slash > 16) return;
  auto step = ParseNumber(rest.substr(0, slash));
  std::string_view after = rest.substr(slash + 1);
  size_t begin = after.find_first_not_of(' ');
  if (!step || begin == std::string_view::npos) return;
  size_t length = 0;
  auto total = LeadingNumber(after.substr(begin), &length);
  if (!total) return;
  AddMetric("step", *step, fields);
  AddMetric("total_steps", *total, fields);
}

}  // namespace

bool ParseKeyValueLine(std::string_view plain, model::Fields* fields) {
  model::Fields found;
  AddIteration(plain, &found);
  for (size_t at = plain.find_first_of(":="); at != std::string_view::npos; at = plain.find_first_of(":=", at + 1)) {
    size_t begin = plain.find_first_not_of(' ', at + 1);
    if (begin == std::string_view::npos) break;
    std::string_view key = KeyBefore(plain, at);
    if (key.empty()) continue;
    size_t length = 0;
    if (auto number = LeadingNumber(plain.substr(begin), &length)) AddMetric(key, *number, &found);
  }
  // One value may be prose ("step: 3 of the guide"); a training line names its loss, or several metrics.
  bool metric = model::FindField(found, "loss") || found.size() >= 3;
  bool placed = found.size() >= 2;
  if (!metric || !placed) return false;
  *fields = std::move(found);
  return true;
}

}  // namespace rankscope::parse
