#include "notify/matcher.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>

#include "model/regex.h"

namespace rankscope::notify {
namespace {

std::string_view Strip(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

bool IsName(std::string_view text) {
  auto letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; };
  auto inner = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  return !text.empty() && letter(text.front()) && std::all_of(text.begin(), text.end(), inner);
}

// The value without its quotes, \" and \\ within them undone. Nothing: a quote is missing.
base::Result<std::string> Unquote(std::string_view text) {
  if (!text.starts_with('"')) {
    if (text.find('"') == std::string_view::npos) return std::string(text);
    return base::Status::Invalid("a quote within a value that does not begin with one");
  }
  std::string value;
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"' && i + 1 == text.size()) return value;
    if (text[i] == '"') break;
    bool escaped = text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\');
    value.push_back(escaped ? text[++i] : text[i]);
  }
  return base::Status::Invalid("a value that begins with a quote and does not end with one");
}

}  // namespace

base::Result<Matcher> Matcher::Parse(std::string_view text) {
  Matcher matcher;
  matcher.text_ = Strip(text);
  std::string_view whole = matcher.text_;
  size_t at = whole.find_first_of("=!");
  std::string_view name = Strip(whole.substr(0, at));
  std::string_view op = at == std::string_view::npos ? "" : whole.substr(at, 2);
  if (op.starts_with('=') && op != "=~") op = "=";
  if (!IsName(name) || (op != "=" && op != "!=" && op != "=~" && op != "!~")) {
    return base::Status::Invalid("a matcher is NAME=\"VALUE\", or with != =~ !~ between");
  }
  matcher.name_ = name;
  matcher.equal_ = op.starts_with('=');
  ASSIGN_OR_RETURN(matcher.value_, Unquote(Strip(whole.substr(at + op.size()))));
  if (op.ends_with('~')) {
    ASSIGN_OR_RETURN(matcher.regex_, model::CompileRegex(matcher.value_, /*case_sensitive=*/true));
  }
  return matcher;
}

bool Matcher::Matches(const Labels& labels) const {
  auto found = labels.find(name_);
  const std::string value = found == labels.end() ? "" : found->second;
  return (regex_ ? re2::RE2::FullMatch(value, *regex_) : value == value_) == equal_;
}

bool AllMatch(const std::vector<Matcher>& matchers, const Labels& labels) {
  return std::all_of(matchers.begin(), matchers.end(), [&](const Matcher& matcher) { return matcher.Matches(labels); });
}

}  // namespace rankscope::notify
