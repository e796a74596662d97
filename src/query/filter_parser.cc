#include "query/filter_parser.h"

#include <algorithm>
#include <optional>

#include "model/record_value.h"
#include "model/regex.h"
#include "model/words.h"

namespace rankscope::query {
namespace {

using model::Filter;
using Kind = Filter::Kind;

constexpr int kDeepest = 64;
constexpr std::string_view kEndsOfWord = "\"()|*";

// or := and (OR and)*; and := not ([AND] not)*; not := (NOT | - | !) not | ( or ) | term
class FilterParser {
 public:
  FilterParser(Scanner* scanner, base::TimeNs now) : scanner_(scanner), now_(now) {}

  base::Result<Filter> Parse() {
    scanner_->SkipBlanks();
    if (scanner_->at_end() || scanner_->peek() == '|') return Filter();
    ASSIGN_OR_RETURN(Filter filter, Either());
    if (!scanner_->at_end() && scanner_->peek() != '|') return scanner_->Wrong("expected a term, | or the end");
    return filter;
  }

 private:
  bool AtEnd() const { return scanner_->at_end() || scanner_->peek() == '|' || scanner_->peek() == ')'; }

  base::Result<Filter> Either() {
    std::vector<Filter> alternatives;
    do {
      ASSIGN_OR_RETURN(Filter filter, All());
      alternatives.push_back(std::move(filter));
    } while (scanner_->TakeKeyword("OR"));
    return alternatives.size() == 1 ? std::move(alternatives.front()) : Filter::Or(std::move(alternatives));
  }

  base::Result<Filter> All() {
    std::vector<Filter> terms;
    do {
      scanner_->SkipBlanks();
      ASSIGN_OR_RETURN(Filter filter, Not());
      terms.push_back(std::move(filter));
      scanner_->SkipBlanks();
    } while (scanner_->TakeKeyword("AND") || !(AtEnd() || AtKeyword("OR")));
    return terms.size() == 1 ? std::move(terms.front()) : Filter::And(std::move(terms));
  }

  bool AtKeyword(std::string_view keyword) const {
    Scanner ahead = *scanner_;
    return ahead.TakeKeyword(keyword);
  }

  base::Status Expected() const {
    return scanner_->Wrong("expected a word, \"phrase\", *part*, ~\"regex\", name:value, NOT or (");
  }

  base::Result<Filter> Not() {
    if (scanner_->rest().starts_with("!=")) {
      return scanner_->Wrong("expected a name before !=, without a blank as in rank!=3");
    }
    size_t begin = scanner_->position();
    bool negated = scanner_->TakeKeyword("NOT") || scanner_->Take('-') || scanner_->Take('!');
    if (!negated && !scanner_->Take('(')) return Term();
    if (++depth_ > kDeepest) return scanner_->Complain(begin, "nested more than 64 deep");
    ASSIGN_OR_RETURN(Filter filter, negated ? Negated() : Group(begin));
    --depth_;
    return filter;
  }

  base::Result<Filter> Negated() {
    scanner_->SkipBlanks();
    ASSIGN_OR_RETURN(Filter filter, Not());
    return Filter::Not(std::move(filter));
  }

  base::Result<Filter> Group(size_t open) {
    ASSIGN_OR_RETURN(Filter filter, Either());
    scanner_->SkipBlanks();
    if (scanner_->at_end()) return scanner_->Complain(open, "this ( is not closed");
    if (!scanner_->Take(')')) return scanner_->Wrong("expected )");
    return filter;
  }

  base::Result<Filter> Term() {
    if (AtKeyword("OR") || AtKeyword("AND")) return Expected();
    if (scanner_->Take('~')) return ParseRegex(scanner_, "msg");
    if (scanner_->rest().starts_with("=~\"")) {
      return scanner_->Wrong("expected ~ without the = (a regular expression tells cases apart)");
    }
    bool case_sensitive = scanner_->Take('=');
    if (scanner_->peek() == '*' && !scanner_->at_end()) return Starred(case_sensitive);
    if (scanner_->peek() == '"') return QuotedTerm(case_sensitive);
    if (!case_sensitive) {
      if (auto name = NameBefore(scanner_, ":")) return ParseFieldValue(scanner_, *name, now_);
      if (auto name = NameBefore(scanner_, "!=")) {
        ASSIGN_OR_RETURN(Filter filter, ParseFieldValue(scanner_, *name, now_));
        return Filter::Not(std::move(filter));
      }
      RETURN_IF_ERROR(RefuseComparison());
    }
    std::string word(scanner_->TakeUntil(kEndsOfWord));
    if (word.empty()) return Expected();
    if (scanner_->Take('*')) return Beginning(word, case_sensitive);
    return Filter::Text(Kind::kPhrase, "msg", std::move(word), case_sensitive);
  }

  // CUDA*: words that begin so. What begins with an ideograph, or with no letter, begins nowhere inside a word.
  base::Result<Filter> Beginning(const std::string& start, bool case_sensitive) {
    bool ends = scanner_->at_end() || std::string_view(" \t\n|)").find(scanner_->peek()) != std::string_view::npos;
    if (!ends) return scanner_->Wrong("expected a blank after the * that ends a word");
    char32_t first = model::FirstCodePoint(start).value;
    if (!model::IsWordPoint(first) || model::IsIdeograph(first)) {
      return Filter::Text(Kind::kSubstring, "msg", start, case_sensitive);
    }
    std::string pattern = case_sensitive ? "" : "(?i)";
    // A word begins here.
    pattern += R"((?:^|[^\pL\pM\pN_]|[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}]))" + QuoteForRegex(start);
    return Filter::Text(Kind::kRegex, "msg", std::move(pattern), /*case_sensitive=*/true);
  }

  // `*` alone is every record, as in other query languages.
  base::Result<Filter> Starred(bool case_sensitive) {
    Scanner ahead = *scanner_;
    if (ahead.Take('*') &&
        (ahead.at_end() || std::string_view(" \t\n|)").find(ahead.peek()) != std::string_view::npos)) {
      *scanner_ = ahead;
      return Filter();
    }
    return ParseSubstring(scanner_, "msg", case_sensitive);
  }

  // "a phrase", or "a name": before a colon.
  base::Result<Filter> QuotedTerm(bool case_sensitive) {
    size_t begin = scanner_->position();
    ASSIGN_OR_RETURN(std::string text, scanner_->Quoted());
    if (text.empty()) return scanner_->Complain(begin, "expected something between the quotes");
    if (!case_sensitive && scanner_->Take(':')) return ParseFieldValue(scanner_, CanonicalName(text), now_);
    if (!case_sensitive && scanner_->rest().starts_with("!=")) {
      scanner_->MoveTo(scanner_->position() + 2);
      ASSIGN_OR_RETURN(Filter filter, ParseFieldValue(scanner_, CanonicalName(text), now_));
      return Filter::Not(std::move(filter));
    }
    return Filter::Text(Kind::kPhrase, "msg", std::move(text), case_sensitive);
  }

  // Takes NAME and what follows, where a name that begins with no digit stands before that; 12:30:45 is no field.
  static std::optional<std::string> NameBefore(Scanner* scanner, std::string_view follows) {
    Scanner ahead = *scanner;
    char first = ahead.peek();
    auto name = ahead.Name();
    if ((first >= '0' && first <= '9') || !name.ok() || !ahead.rest().starts_with(follows)) return std::nullopt;
    ahead.MoveTo(ahead.position() + follows.size());
    *scanner = ahead;
    return *name;
  }

  // loss>2 and rank=3 are not what anybody looks for in a text; loss=2 may be. An arrow (a->b, a=>b) compares nothing.
  base::Status RefuseComparison() const {
    for (std::string_view sign : {"=~", "<", ">", "==", "="}) {
      Scanner ahead = *scanner_;
      auto name = NameBefore(&ahead, sign);
      if (!name || (sign == "=~" && ahead.peek() != '"')) continue;
      bool arrow = name->back() == '-' || ahead.peek() == '>';
      bool of_text = sign == "=" && model::RecordKey::Of(*name).kind == model::RecordKey::Kind::kField;
      if (arrow || of_text) return {};
      size_t value_at = ahead.position(), sign_at = value_at - sign.size();
      std::string form(scanner_->rest().substr(0, sign_at - scanner_->position()));
      sign.remove_prefix(std::min(sign.find_first_not_of('='), sign.size()));
      if (ahead.peek() != '"' || !ahead.Quoted().ok()) ahead.TakeUntil(kEndsOfWord);
      form.append(":").append(sign).append(ahead.Since(value_at));
      return scanner_->WrongAt(sign_at, "expected : as in " + form + " (as text, write it in quotes)");
    }
    return {};
  }

  Scanner* scanner_;
  const base::TimeNs now_;
  int depth_ = 0;
};

}  // namespace

base::Result<Filter> ParseFilter(Scanner* scanner, base::TimeNs now) { return FilterParser(scanner, now).Parse(); }

std::string QuoteForRegex(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

base::Result<Filter> ParseSubstring(Scanner* scanner, const std::string& name, bool case_sensitive) {
  size_t begin = scanner->position();
  scanner->Take('*');
  if (scanner->peek() == '"') {
    ASSIGN_OR_RETURN(std::string quoted, scanner->Quoted());
    if (!scanner->Take('*')) return scanner->Wrong("expected * after the quoted part");
    return Filter::Text(Kind::kSubstring, name, std::move(quoted), case_sensitive);
  }
  size_t end = scanner->rest().find('*');
  if (end == std::string_view::npos) return scanner->Complain(begin, "expected a second * after this one");
  std::string part(scanner->rest().substr(0, end));
  scanner->MoveTo(scanner->position() + end + 1);
  return Filter::Text(Kind::kSubstring, name, std::move(part), case_sensitive);
}

base::Result<Filter> ParseRegex(Scanner* scanner, const std::string& name) {
  size_t begin = scanner->position();
  ASSIGN_OR_RETURN(std::string pattern, scanner->Quoted());
  auto regex = model::CompileRegex(pattern, /*case_sensitive=*/true);
  if (!regex.ok()) return scanner->Complain(begin, regex.status().message());
  return Filter::Text(Kind::kRegex, name, std::move(pattern), /*case_sensitive=*/true);
}

}  // namespace rankscope::query
