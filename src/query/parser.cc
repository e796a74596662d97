#include <re2/re2.h>

#include <charconv>
#include <cstdlib>
#include <ctime>

#include "query/query.h"

namespace rankscope::query {
namespace {

constexpr int64_t kRegexMemory = 8 << 20;

bool IsNameByte(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '/'; }

std::optional<base::TimeNs> ParseTime(const std::string& text) {
  tm parts{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (!rest) return std::nullopt;
  int64_t nanos = 0;
  if (*rest == '.') {
    int64_t scale = base::kNsPerSecond;
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest) nanos += (*rest - '0') * (scale /= 10);
  }
  if (std::string_view(rest) != "Z") return std::nullopt;
  return static_cast<int64_t>(timegm(&parts)) * base::kNsPerSecond + nanos;
}

std::optional<int64_t> ParseDuration(std::string_view text) {
  int64_t number = 0;
  auto [unit, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  std::string_view name(unit, static_cast<size_t>(text.data() + text.size() - unit));
  if (name == "s") return number * base::kNsPerSecond;
  if (name == "m") return number * 60 * base::kNsPerSecond;
  if (name == "h") return number * 3600 * base::kNsPerSecond;
  if (name == "d") return number * 86400 * base::kNsPerSecond;
  return std::nullopt;
}

class Parser {
 public:
  Parser(std::string_view text, base::TimeNs now) : text_(text), now_(now) {}

  base::Result<Query> Parse() {
    SkipSpace();
    while (at_ < text_.size() && text_[at_] != '|') {
      RETURN_IF_ERROR(Term());
      SkipSpace();
    }
    while (at_ < text_.size()) {
      ++at_;  // '|'
      RETURN_IF_ERROR(Pipe());
      SkipSpace();
      if (at_ < text_.size() && text_[at_] != '|') return Wrong("expected | or the end");
    }
    return std::move(query_);
  }

 private:
  base::Status Wrong(std::string_view what) const {
    return base::Status::Invalid("query, character " + std::to_string(at_ + 1) + ": " + std::string(what));
  }

  void SkipSpace() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }

  base::Status Term() {
    bool negated = text_[at_] == '-';
    if (negated) ++at_;
    if (at_ == text_.size()) return Wrong("expected a term after -");
    char first = text_[at_];
    if (first == '"') {
      ASSIGN_OR_RETURN(std::string phrase, Quoted());
      return Add(Condition::Kind::kPhrase, "", std::move(phrase), negated);
    }
    if (first == '~') {
      ++at_;
      ASSIGN_OR_RETURN(std::string pattern, Quoted());
      return AddRegex(std::move(pattern), negated);
    }
    if (first == '*') return Substring(negated);
    std::string name = Name();
    if (name.empty()) return Wrong("expected a word, a \"phrase\", ~\"regex\", *substring* or name:value");
    if (at_ == text_.size() || text_[at_] != ':') return Add(Condition::Kind::kPhrase, "", std::move(name), negated);
    ++at_;
    return NamedTerm(name, negated);
  }

  std::string Name() {
    size_t begin = at_;
    while (at_ < text_.size() && IsNameByte(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  base::Result<std::string> Quoted() {
    if (at_ == text_.size() || text_[at_] != '"') return Wrong("expected \"");
    size_t begin = at_++;
    std::string out;
    for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      // Only quotes and backslashes are escaped here; \d of a regex stays as it is.
      bool escaped = text_[at_] == '\\' && at_ + 1 < text_.size() && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\');
      if (escaped) ++at_;
      out.push_back(text_[at_]);
    }
    if (at_ == text_.size()) {
      at_ = begin;
      return Wrong("this quote is not closed");
    }
    ++at_;
    return out;
  }

  base::Result<std::string> Value() {
    if (at_ < text_.size() && text_[at_] == '"') return Quoted();
    size_t begin = at_;
    bool bracket = at_ < text_.size() && text_[at_] == '[';
    while (at_ < text_.size() && text_[at_] != '|' && (bracket || text_[at_] != ' ')) {
      if (text_[at_++] == ']' && bracket) break;
    }
    if (at_ == begin) return Wrong("expected a value after :");
    return std::string(text_.substr(begin, at_ - begin));
  }

  base::Status Substring(bool negated) {
    size_t end = text_.find('*', at_ + 1);
    if (end == std::string_view::npos) return Wrong("this * has no partner");
    std::string part(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return Add(Condition::Kind::kSubstring, "", std::move(part), negated);
  }

  base::Status Add(Condition::Kind kind, std::string name, std::string text, bool negated) {
    query_.conditions.push_back({kind, std::move(name), std::move(text), negated, nullptr});
    return {};
  }

  base::Status AddRegex(std::string pattern, bool negated) {
    re2::RE2::Options options;
    options.set_max_mem(kRegexMemory);
    options.set_log_errors(false);
    auto regex = std::make_shared<re2::RE2>(pattern, options);
    if (!regex->ok()) return Wrong("regex \"" + pattern + "\": " + regex->error());
    query_.conditions.push_back({Condition::Kind::kRegex, "", std::move(pattern), negated, std::move(regex)});
    return {};
  }

  base::Status NamedTerm(const std::string& name, bool negated) {
    ASSIGN_OR_RETURN(std::string value, Value());
    bool selects = name == "job" || name == "job_id" || name == "project" || name == "rank" || name == "node_rank" ||
                   name == "stream" || name == "host" || name == "_time";
    if (!selects) return Add(Condition::Kind::kField, name, std::move(value), negated);
    if (negated) return Wrong("-" + name + ": cannot be negated (sets exclude with !3)");
    model::Selection& selection = query_.selection;
    if (name == "job" || name == "job_id") {
      selection.job = value;
    } else if (name == "project") {
      selection.project = value;
    } else if (name == "rank") {
      ASSIGN_OR_RETURN(selection.ranks, model::NumberSet::Parse(value));
    } else if (name == "node_rank") {
      ASSIGN_OR_RETURN(selection.node_ranks, model::NumberSet::Parse(value));
    } else if (name == "stream") {
      return Streams(value);
    } else if (name == "host") {
      for (const std::string& host : Split(value)) selection.hosts.push_back(host);
    } else {
      return Time(value);
    }
    return {};
  }

  static std::vector<std::string> Split(const std::string& list) {
    std::vector<std::string> parts;
    for (size_t begin = 0; begin <= list.size();) {
      size_t end = std::min(list.find(',', begin), list.size());
      parts.push_back(list.substr(begin, end - begin));
      begin = end + 1;
    }
    return parts;
  }

  base::Status Streams(const std::string& value) {
    for (const std::string& name : Split(value)) {
      auto stream = model::ParseStream(name);
      if (!stream) {
        return Wrong("no stream \"" + name + "\": stdout, stderr, metric, batch, event, host, gpu or stack");
      }
      query_.selection.streams.push_back(*stream);
    }
    return {};
  }

  base::Status Time(const std::string& value) {
    model::Selection& selection = query_.selection;
    if (auto duration = ParseDuration(value)) {
      selection.since = now_ - *duration;
      return {};
    }
    size_t comma = value.find(',');
    if (value.size() > 2 && value.front() == '[' && value.back() == ']' && comma != std::string::npos) {
      auto since = ParseTime(value.substr(1, comma - 1));
      auto until = ParseTime(value.substr(comma + 1, value.size() - comma - 2));
      if (since && until) {
        selection.since = *since;
        selection.until = *until;
        return {};
      }
    }
    return Wrong("_time takes a duration (10m) or [2026-11-01T00:00:00Z,2026-11-01T01:00:00Z]");
  }

  base::Status Pipe() {
    SkipSpace();
    std::string name = Name();
    SkipSpace();
    if (name == "limit") return Limit();
    if (name == "sort") return Sort();
    if (name == "stats") return Stats();
    return Wrong("no pipe \"" + name + "\": limit, sort or stats");
  }

  base::Status Limit() {
    std::string number = Name();
    uint64_t limit = 0;
    auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), limit);
    if (error != std::errc() || end != number.data() + number.size()) return Wrong("limit takes a number");
    query_.limit = limit;
    return {};
  }

  base::Status Sort() {
    if (Name() != "timestamp") return Wrong("sort takes timestamp");
    SkipSpace();
    std::string order = Name();
    if (!order.empty() && order != "asc" && order != "desc") return Wrong("sort takes asc or desc");
    query_.newest_first = order == "desc";
    return {};
  }

  base::Status Stats() {
    constexpr std::string_view kCount = "count()";
    if (text_.substr(at_, kCount.size()) != kCount) return Wrong("stats takes count() as NAME");
    at_ += kCount.size();
    SkipSpace();
    if (Name() != "as") return Wrong("expected as NAME");
    SkipSpace();
    query_.count_as = Name();
    return query_.count_as.empty() ? Wrong("expected a name after as") : base::Status();
  }

  std::string_view text_;
  const base::TimeNs now_;
  size_t at_ = 0;
  Query query_;
};

}  // namespace

base::Result<Query> ParseQuery(std::string_view text, base::TimeNs now) { return Parser(text, now).Parse(); }

}  // namespace rankscope::query
