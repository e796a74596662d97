#include "query/scanner.h"

#include <array>
#include <cctype>
#include <charconv>
#include <utility>

namespace rankscope::query {
namespace {

constexpr size_t kLongestFound = 24;

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kAliases = {
    {{"job", "job_id"}, {"_time", "timestamp"}, {"_msg", "msg"}, {"message", "msg"}}};

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

std::string CanonicalName(std::string_view name) {
  for (const auto& [alias, canonical] : kAliases) {
    if (alias == name) return std::string(canonical);
  }
  return std::string(name);
}

bool IsNameByte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) >= 0x80 ||
         std::string_view("_./-@%$#").find(c) != std::string_view::npos;
}

void Scanner::SkipBlanks() {
  while (!at_end() && IsBlank(text_[at_])) ++at_;
}

bool Scanner::Take(char wanted) {
  if (at_end() || text_[at_] != wanted) return false;
  ++at_;
  return true;
}

bool Scanner::TakeKeyword(std::string_view word) {
  if (!rest().starts_with(word)) return false;
  size_t end = at_ + word.size();
  if (end < text_.size() && (IsNameByte(text_[end]) || text_[end] == ':')) return false;
  at_ = end;
  return true;
}

std::string_view Scanner::TakeUntil(std::string_view ends) {
  size_t begin = at_;
  while (!at_end() && !IsBlank(text_[at_]) && ends.find(text_[at_]) == std::string_view::npos) ++at_;
  return Since(begin);
}

base::Result<std::string> Scanner::Quoted() {
  if (peek() != '"' || at_end()) return Wrong("expected \"");
  size_t begin = at_++;
  std::string out;
  for (; !at_end() && text_[at_] != '"'; ++at_) {
    bool escapes = text_[at_] == '\\' && at_ + 1 < text_.size() && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\');
    if (escapes) ++at_;
    out.push_back(text_[at_]);
  }
  if (!Take('"')) {
    at_ = begin;
    return Complain(begin, "this quote is not closed");
  }
  return out;
}

base::Result<std::string> Scanner::Name() {
  if (peek() == '"') {
    ASSIGN_OR_RETURN(std::string name, Quoted());
    return CanonicalName(name);
  }
  size_t begin = at_;
  if (peek() == '-') return Wrong("expected a name (one that begins with - is quoted; sort has desc, as in loss desc)");
  while (!at_end() && IsNameByte(text_[at_])) ++at_;
  if (at_ == begin) return Wrong("expected a name");
  return CanonicalName(Since(begin));
}

base::Result<std::string> Scanner::Column() {
  size_t begin = at_;
  bool quoted = peek() == '"';
  ASSIGN_OR_RETURN(std::string name, Name());
  if (quoted || peek() != '(') return name;
  size_t close = text_.find(')', at_);
  if (close == std::string_view::npos) return Complain(at_, "this ( is not closed");
  at_ = close + 1;
  return std::string(Since(begin));
}

base::Result<uint64_t> Scanner::Count() {
  uint64_t count = 0;
  const char* begin = text_.data() + at_;
  auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), count);
  if (error != std::errc() || (end != text_.data() + text_.size() && IsNameByte(*end))) {
    return Wrong("expected a whole number");
  }
  at_ += static_cast<size_t>(end - begin);
  return count;
}

base::Status Scanner::WrongAt(size_t position, std::string_view what) const {
  std::string_view found = text_.substr(position);
  size_t end = 0;
  while (end < found.size() && end < kLongestFound && !(end > 0 && IsBlank(found[end]))) ++end;
  while (end < found.size() && IsContinuation(found[end])) ++end;
  std::string shown = found.empty() ? "the end" : "\"" + std::string(found.substr(0, end)) + "\"";
  return Complain(position, std::string(what) + ", found " + shown);
}

base::Status Scanner::Complain(size_t position, std::string_view what) const {
  size_t column = 1;
  for (char c : text_.substr(0, position)) column += IsContinuation(c) ? 0 : 1;
  return base::Status::Invalid("query, column " + std::to_string(column) + ": " + std::string(what));
}

}  // namespace rankscope::query
