#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "detect/detectors/series_window.h"

namespace rankscope::detect {

// A position in a short text of a rule, and the small things that its languages are made of.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  void SkipBlanks();
  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  size_t position() const { return at_; }
  void MoveTo(size_t position) { at_ = position; }

  // Each skips blanks and takes what it names, if it stands here.
  bool Take(std::string_view symbol);
  bool TakeWord(std::string_view word);
  // Letters, digits, _ / . beginning with a letter or _; empty: there is none here.
  std::string_view Name();
  // A number as strtod reads it.
  std::optional<double> Number();
  // 5steps, 10m, 2h30m, 1.5h; a bare number is steps where `bare_steps`.
  base::Result<Span> TakeSpan(bool bare_steps);

  // "column N: expected WHAT, found …".
  base::Status Wrong(std::string_view expected) const;
  base::Status WrongAt(size_t position, std::string_view expected) const;

 private:
  std::string_view Token() const;
  base::Result<Span> SpanOf(double ns, size_t begin) const;

  std::string_view text_;
  size_t at_ = 0;
};

// The whole text as a span.
base::Result<Span> ParseSpan(std::string_view text);
std::string SpanText(Span span);

}  // namespace rankscope::detect
