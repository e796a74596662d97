#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "model/level_name.h"
#include "model/record_value.h"
#include "model/time_text.h"
#include "query/filter_parser.h"

namespace rankscope::query {
namespace {

using model::Filter;
using Kind = Filter::Kind;

constexpr std::string_view kEndsOfValue = "()|";
constexpr std::string_view kEndsOfBound = ",])";
constexpr std::string_view kTimeForms =
    "a duration (10m), a time (2026-11-01T00:20:00Z), [time,time], or >, >=, <, <= a time";

bool IsOneOf(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}
bool IsRankLike(std::string_view name) { return IsOneOf(name, {"rank", "node_rank", "local_rank"}); }
bool IsCount(std::string_view name) { return IsOneOf(name, {"step", "attempt", "seq"}); }
bool IsList(std::string_view name) { return IsOneOf(name, {"stream", "host", "level"}); }

Filter Equals(const std::string& name, std::string text) {
  return Filter::Text(Kind::kEquals, name, std::move(text), /*case_sensitive=*/true);
}

std::vector<std::string> SplitAtCommas(const std::string& list) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= list.size();) {
    size_t end = std::min(list.find(',', begin), list.size());
    parts.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// What stands after one `name:`.
class FieldValueParser {
 public:
  FieldValueParser(Scanner* scanner, const std::string& name, base::TimeNs now)
      : scanner_(scanner), name_(name), now_(now), begin_(scanner->position()) {}

  base::Result<Filter> Parse() {
    if (scanner_->TakeKeyword("in") && scanner_->Take('(')) return Set();
    scanner_->MoveTo(begin_);
    char first = scanner_->peek();
    if (scanner_->at_end()) return Wrong();
    if (first == '~') return Regex();
    if (first == '*') return Starred();
    if (first == '<' || first == '>') return Comparison();
    if (first == '[' || first == '(') return Range();
    if (name_ == "timestamp") return Time();
    if (first == '"') {
      ASSIGN_OR_RETURN(std::string text, scanner_->Quoted());
      return Value(std::move(text));
    }
    if (first == '=' || (first == '!' && !IsRankLike(name_))) {
      return scanner_->WrongAt(begin_, "expected a value (not equal is " + name_ + "!=…; quote a text that begins so)");
    }
    std::string text(scanner_->TakeUntil(kEndsOfValue));
    if (text.empty()) return Wrong();
    // A last * stands for whatever follows.
    if (text.back() == '*') return Prefix(text.substr(0, text.size() - 1));
    return Value(std::move(text));
  }

 private:
  base::Status Wrong() const {
    return scanner_->WrongAt(begin_, "expected a value after " + name_ + ": (" + Forms() + ")");
  }
  std::string Forms() const {
    if (name_ == "timestamp") return std::string(kTimeForms);
    if (IsRankLike(name_)) return "7, 0-7,371,!3, [0,7] or in(0-7,371,!3)";
    if (IsCount(name_)) return "7, >7, [7,9] or in(7,9)";
    return "text, \"text\", *part*, ~\"regex\", >1e3, [a,b] or in(a,b)";
  }

  base::Result<Filter> Regex() {
    scanner_->Take('~');
    return ParseRegex(scanner_, name_);
  }

  base::Result<Filter> Starred() {
    Scanner ahead = *scanner_;
    ahead.Take('*');
    if (!ahead.TakeUntil(kEndsOfValue).empty()) return ParseSubstring(scanner_, name_, /*case_sensitive=*/false);
    *scanner_ = ahead;
    // Every job; with it the project's records that are of none.
    return name_ == "job_id" ? Filter() : Filter::Exists(name_);
  }

  base::Result<Filter> Prefix(const std::string& text) const {
    return Filter::Text(Kind::kRegex, name_, "(?i)^" + QuoteForRegex(text), /*case_sensitive=*/true);
  }

  base::Result<Filter> Value(std::string text) const {
    if (text.empty()) return Filter::Or({Filter::Not(Filter::Exists(name_)), Equals(name_, "")});
    if (IsRankLike(name_)) return Ranks(text);
    return IsList(name_) ? AnyOf(SplitAtCommas(text)) : One(std::move(text));
  }

  base::Result<Filter> Ranks(const std::string& text) const {
    if (model::ParseNumber(text)) return Equals(name_, text);
    auto set = model::NumberSet::Parse(text);
    if (!set.ok()) return scanner_->Complain(begin_, set.status().message());
    return Filter::Set(name_, *std::move(set));
  }

  base::Result<Filter> AnyOf(std::vector<std::string> texts) const {
    std::vector<Filter> alternatives;
    for (std::string& text : texts) {
      ASSIGN_OR_RETURN(Filter filter, One(std::move(text)));
      alternatives.push_back(std::move(filter));
    }
    return alternatives.size() == 1 ? std::move(alternatives.front()) : Filter::Or(std::move(alternatives));
  }

  base::Result<Filter> One(std::string text) const {
    if (name_ == "timestamp") return TimeIs(text);
    if (name_ == "msg" && !text.empty()) return Filter::Text(Kind::kPhrase, name_, std::move(text));
    if (IsCount(name_) && !model::ParseNumber(text)) return Wrong();
    if (name_ == "stream" && !model::ParseStream(text)) {
      return scanner_->Complain(
          begin_, "no stream \"" + text + "\": expected stdout, stderr, metric, batch, event, host, gpu or stack");
    }
    if (name_ == "level") model::SetLevel(std::string(text), &text);
    return Equals(name_, std::move(text));
  }

  // in(…), after the parenthesis: a set of whole numbers where the field has no others, else any of the values.
  base::Result<Filter> Set() {
    size_t begin = scanner_->position();
    std::vector<std::string> items;
    bool quoted = false;
    do {
      scanner_->SkipBlanks();
      if (scanner_->peek() == '"') {
        ASSIGN_OR_RETURN(std::string item, scanner_->Quoted());
        items.push_back(std::move(item));
        quoted = true;
      } else {
        items.emplace_back(scanner_->TakeUntil(",)"));
        if (items.back().empty()) return scanner_->Wrong("expected a value in " + name_ + ":in(…)");
      }
      scanner_->SkipBlanks();
    } while (scanner_->Take(','));
    std::string list(scanner_->Since(begin));
    if (!scanner_->Take(')')) return scanner_->Wrong("expected , or )");
    if (!IsRankLike(name_) && !IsCount(name_)) return AnyOf(items);
    list.erase(std::remove(list.begin(), list.end(), ' '), list.end());
    auto set = model::NumberSet::Parse(list);
    if (!quoted && set.ok()) return Filter::Set(name_, *std::move(set));
    if (IsRankLike(name_)) return scanner_->Complain(begin, set.status().message());
    return AnyOf(items);
  }

  base::Result<Filter> Comparison() {
    bool greater = scanner_->Take('>');
    if (!greater) scanner_->Take('<');
    bool open = !scanner_->Take('=');
    scanner_->SkipBlanks();
    size_t at = scanner_->position();
    std::string_view text = scanner_->TakeUntil(kEndsOfValue);
    if (name_ == "timestamp") {
      ASSIGN_OR_RETURN(base::TimeNs time, TimeOf(text, at));
      return greater ? Filter::Time(open ? After(time) : time, INT64_MAX)
                     : Filter::Time(INT64_MIN, open ? time : After(time));
    }
    ASSIGN_OR_RETURN(long double bound, NumberOf(text, at));
    Filter range = Filter::Range(name_, greater ? bound : -INFINITY, greater ? INFINITY : bound);
    (greater ? range.low_open : range.high_open) = open;
    return range;
  }

  // [a,b], and with ( or ) for an end that is not in it. An end that is not written, or *, is none.
  base::Result<Filter> Range() {
    bool low_open = scanner_->peek() == '(';
    scanner_->MoveTo(scanner_->position() + 1);
    scanner_->SkipBlanks();
    size_t low_at = scanner_->position();
    std::string_view low = scanner_->TakeUntil(kEndsOfBound);
    scanner_->SkipBlanks();
    if (!scanner_->Take(',')) return scanner_->Wrong("expected , and the end of the range");
    scanner_->SkipBlanks();
    size_t high_at = scanner_->position();
    std::string_view high = scanner_->TakeUntil(kEndsOfBound);
    scanner_->SkipBlanks();
    bool high_open = scanner_->Take(')');
    if (!high_open && !scanner_->Take(']')) return scanner_->Wrong("expected ] or ) after the range");
    if (name_ == "timestamp") return TimeRange({low, low_at, low_open}, {high, high_at, high_open});
    long double from = -INFINITY, to = INFINITY;
    if (!IsNoEnd(low)) {
      ASSIGN_OR_RETURN(from, NumberOf(low, low_at));
    }
    if (!IsNoEnd(high)) {
      ASSIGN_OR_RETURN(to, NumberOf(high, high_at));
    }
    if (from > to) return EndsBeforeItBegins(high_at);
    Filter range = Filter::Range(name_, from, to);
    range.low_open = low_open && !IsNoEnd(low);
    range.high_open = high_open && !IsNoEnd(high);
    return range;
  }

  static bool IsNoEnd(std::string_view bound) { return bound.empty() || bound == "*"; }

  base::Status EndsBeforeItBegins(size_t end_at) const {
    return scanner_->WrongAt(end_at, "expected an end of the range that is not before its beginning");
  }

  struct Bound {
    std::string_view text;
    size_t at;
    bool open;
  };
  base::Result<Filter> TimeRange(const Bound& low, const Bound& high) const {
    base::TimeNs since = INT64_MIN, until = INT64_MAX;
    if (!IsNoEnd(low.text)) {
      ASSIGN_OR_RETURN(since, TimeOf(low.text, low.at));
      if (low.open) since = After(since);
    }
    if (!IsNoEnd(high.text)) {
      ASSIGN_OR_RETURN(until, TimeOf(high.text, high.at));
      if (!high.open) until = After(until);
    }
    if (since > until) return EndsBeforeItBegins(high.at);
    return Filter::Time(since, until);
  }

  base::Result<Filter> Time() {
    std::string text(scanner_->TakeUntil(kEndsOfValue));
    if (text.size() > 1 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
    return TimeIs(text);
  }

  base::Result<Filter> TimeIs(const std::string& text) const {
    if (auto duration = model::ParseDuration(text)) return Filter::Time(now_ - *duration, INT64_MAX);
    auto time = model::ParseTime(text);
    if (!time) return scanner_->WrongAt(begin_, "expected " + std::string(kTimeForms));
    return Filter::Time(*time, After(*time));
  }

  static base::TimeNs After(base::TimeNs time) { return time == INT64_MAX ? time : time + 1; }

  // An end of a range of times: a time, a duration before now, or `now`.
  base::Result<base::TimeNs> TimeOf(std::string_view text, size_t at) const {
    if (text == "now") return now_;
    if (auto duration = model::ParseDuration(text)) return now_ - *duration;
    if (auto time = model::ParseTime(text)) return *time;
    return scanner_->WrongAt(at, "expected a time (2026-11-01T00:20:00Z)");
  }

  base::Result<long double> NumberOf(std::string_view text, size_t at) const {
    auto number = model::ParseWideNumber(text);
    if (!number || std::isnan(*number)) return scanner_->WrongAt(at, "expected a number");
    return *number;
  }

  Scanner* scanner_;
  const std::string& name_;
  const base::TimeNs now_;
  const size_t begin_;
};

}  // namespace

base::Result<Filter> ParseFieldValue(Scanner* scanner, const std::string& name, base::TimeNs now) {
  return FieldValueParser(scanner, name, now).Parse();
}

}  // namespace rankscope::query
