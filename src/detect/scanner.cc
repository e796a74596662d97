#include "detect/scanner.h"

#include <array>
#include <charconv>
#include <cmath>

namespace rankscope::detect {
namespace {

struct Unit {
  std::string_view name;
  int64_t ns;  // 0: steps
};
constexpr std::array kUnits = {
    Unit{"steps", 0},
    Unit{"step", 0},
    Unit{"ms", base::kNsPerMs},
    Unit{"s", base::kNsPerSecond},
    Unit{"m", 60 * base::kNsPerSecond},
    Unit{"h", 3600 * base::kNsPerSecond},
    Unit{"d", 86400 * base::kNsPerSecond},
};
constexpr double kLongestDays = 365;

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsInner(char c) { return IsLetter(c) || IsDigit(c) || c == '.' || c == '@'; }

}  // namespace

void Scanner::SkipBlanks() {
  while (!at_end() && (peek() == ' ' || peek() == '\t' || peek() == '\n')) ++at_;
}

bool Scanner::Take(std::string_view symbol) {
  SkipBlanks();
  if (!text_.substr(at_).starts_with(symbol)) return false;
  at_ += symbol.size();
  return true;
}

bool Scanner::TakeWord(std::string_view word) {
  size_t before = at_;
  if (Name() == word) return true;
  at_ = before;
  return false;
}

std::string_view Scanner::Name() {
  SkipBlanks();
  if (!IsLetter(peek())) return {};
  size_t begin = at_;
  while (!at_end() && IsInner(peek())) ++at_;
  return text_.substr(begin, at_ - begin);
}

std::optional<double> Scanner::Number() {
  SkipBlanks();
  if (!IsDigit(peek()) && peek() != '.') return std::nullopt;
  double number = 0;
  auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), number);
  if (error != std::errc()) return std::nullopt;
  at_ = static_cast<size_t>(end - text_.data());
  return number;
}

base::Result<Span> Scanner::TakeSpan(bool bare_steps) {
  SkipBlanks();
  size_t begin = at_;
  auto number = Number();
  if (!number) return Wrong("a duration as 5steps or 10m");
  SkipBlanks();
  size_t unit_at = at_;
  std::string_view unit = Name();
  if (unit.empty() && bare_steps) unit = "steps";
  for (const Unit& known : kUnits) {
    if (known.name != unit) continue;
    double ns = *number * static_cast<double>(known.ns);
    bool whole = known.ns > 0 || *number == std::floor(*number);
    bool possible = whole && *number > 0 && *number <= 1e9 && ns <= kLongestDays * 86400e9;
    if (!possible) return WrongAt(begin, "a positive duration (whole steps, or up to 365d)");
    if (known.ns == 0) return Span{.steps = static_cast<int64_t>(*number), .ns = 0};
    return Span{.steps = 0, .ns = static_cast<int64_t>(ns)};
  }
  return WrongAt(unit_at, "one of steps, ms, s, m, h, d");
}

base::Status Scanner::Wrong(std::string_view expected) const { return WrongAt(at_, expected); }

base::Status Scanner::WrongAt(size_t position, std::string_view expected) const {
  std::string found = position >= text_.size() ? "the end" : "\"" + std::string(text_.substr(position, 24)) + "\"";
  return base::Status::Invalid("column " + std::to_string(position + 1) + ": expected " + std::string(expected) +
                               ", found " + found);
}

base::Result<Span> ParseSpan(std::string_view text) {
  Scanner scanner(text);
  ASSIGN_OR_RETURN(Span span, scanner.TakeSpan(/*bare_steps=*/false));
  scanner.SkipBlanks();
  if (!scanner.at_end()) return scanner.Wrong("nothing more");
  return span;
}

std::string SpanText(Span span) {
  if (span.ns == 0) return std::to_string(span.steps) + (span.steps == 1 ? " step" : " steps");
  return std::to_string(span.ns / base::kNsPerSecond) + " s";
}

}  // namespace rankscope::detect
