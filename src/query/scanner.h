#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace rankscope::query {

// A position in the text of a query, and the small things that every part of the grammar is made of.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  std::string_view rest() const { return text_.substr(at_); }
  std::string_view Since(size_t begin) const { return text_.substr(begin, at_ - begin); }
  size_t position() const { return at_; }
  void MoveTo(size_t position) { at_ = position; }

  void SkipBlanks();
  // Each takes what it names, if it stands here, and says whether it did.
  bool Take(char wanted);
  bool TakeKeyword(std::string_view word);            // a whole word, as written
  std::string_view TakeUntil(std::string_view ends);  // up to one of these bytes, a blank or the end

  // "…" with \" and \\ for a quote and a backslash; other backslashes stay (a regex's \d).
  base::Result<std::string> Quoted();
  // A name of a field, quoted or not; its aliases resolved (job is job_id, _time is timestamp).
  base::Result<std::string> Name();
  // A name, or the text of an aggregate with its parentheses: avg(loss).
  base::Result<std::string> Column();
  base::Result<uint64_t> Count();

  // Names separated by commas, in parentheses or not; each with blanks around it.
  template <typename Item>
  base::Status List(const Item& item) {
    SkipBlanks();
    bool parenthesis = Take('(');
    do {
      SkipBlanks();
      RETURN_IF_ERROR(item());
      SkipBlanks();
    } while (Take(','));
    if (parenthesis && !Take(')')) return Wrong("expected , or )");
    return {};
  }

  // "query, column N: WHAT, found …" for the present position, or for another one.
  base::Status Wrong(std::string_view what) const { return WrongAt(at_, what); }
  base::Status WrongAt(size_t position, std::string_view what) const;
  // The same without what was found.
  base::Status Complain(size_t position, std::string_view what) const;

 private:
  std::string_view text_;
  size_t at_ = 0;
};

// job is job_id, _time is timestamp, message is msg; others are themselves.
std::string CanonicalName(std::string_view name);

// Whether the byte may stand in a field's name that is not quoted.
bool IsNameByte(char c);

}  // namespace rankscope::query
