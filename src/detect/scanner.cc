#include "detect/scanner.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "model/time_text.h"

namespace rankscope::detect {
namespace {

constexpr double kLongestDays = 365, kMostSteps = 1e9;
constexpr std::string_view kWantSpan = "a positive duration (whole steps, or up to 365d)";

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

// Letters and digits from here on.
std::string_view Scanner::Token() const {
  size_t end = at_;
  while (end < text_.size() && (IsLetter(text_[end]) || IsDigit(text_[end]))) ++end;
  return text_.substr(at_, end - at_);
}

base::Result<Span> Scanner::TakeSpan(bool bare_steps) {
  SkipBlanks();
  size_t begin = at_;
  if (auto duration = model::ParseDuration(Token())) {  // 2h30m
    at_ += Token().size();
    return SpanOf(static_cast<double>(*duration), begin);
  }
  auto number = Number();
  if (!number) return Wrong("a duration as 5steps or 10m");
  SkipBlanks();
  size_t unit_at = at_;
  std::string_view unit = Name();
  bool steps = unit == "steps" || unit == "step" || (unit.empty() && bare_steps);
  if (steps) {
    bool possible = *number == std::floor(*number) && *number > 0 && *number <= kMostSteps;
    return possible ? base::Result<Span>(Span{.steps = static_cast<int64_t>(*number), .ns = 0})
                    : WrongAt(begin, kWantSpan);
  }
  bool one = std::none_of(unit.begin(), unit.end(), IsDigit);
  auto ns = one ? model::ParseDuration("1" + std::string(unit)) : std::nullopt;  // 1.5h
  return ns ? SpanOf(*number * static_cast<double>(*ns), begin) : WrongAt(unit_at, "one of steps, ms, s, m, h, d");
}

base::Result<Span> Scanner::SpanOf(double ns, size_t begin) const {
  if (ns < 1 || ns > kLongestDays * 86400e9) return WrongAt(begin, kWantSpan);
  return Span{.steps = 0, .ns = static_cast<int64_t>(ns)};
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
