#include "random_case.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "model/record_json.h"
#include "model/words.h"

namespace rankscope {
namespace {

constexpr base::TimeNs kStart = 1'793'491'200 * base::kNsPerSecond;  // 2026-11-01T00:00:00Z
constexpr double kInfinity = std::numeric_limits<double>::infinity();

const std::vector<std::string> kWords = {"loss",  "LOSS",   "Loss_scale", "CUDA", "cuda",  "out",
                                         "of",    "memory", "显存不足",   "显存", "GPU显", "Größe",
                                         "größe", "12.5",   "12",         "0x1f", "a-b",   "x=1"};
const std::vector<std::string> kGaps = {" ", " ", " ", ": ", ",", "\n", "", " \x1b[31m", "\x1b[0m "};
const std::vector<std::string> kNames = {"loss", "x", "name", "eval/loss"};
const std::vector<std::string> kTexts = {"", "a", "A", "12", "Größe x", "显存"};
const std::vector<std::string> kNumbers = {"0",
                                           "1",
                                           "-1",
                                           "2.5",
                                           "0.1",
                                           "1e3",
                                           "9007199254740993",
                                           "9007199254740992",
                                           "1e300",
                                           "NaN",
                                           "inf",
                                           "-inf",
                                           "12",
                                           "9223372036854775807"};

// Without the colours that kGaps hold.
std::string Plain(std::string text) {
  for (const char* color : {"\x1b[31m", "\x1b[0m"}) {
    for (size_t at; (at = text.find(color)) != std::string::npos;) text.erase(at, std::string(color).size());
  }
  return text;
}

std::string Fold(const std::string& text) {
  std::string folded;
  model::AppendFolded(text, &folded);
  return folded;
}

std::vector<std::string> Characters(const std::string& text) {
  std::vector<std::string> out;
  for (char c : text) {
    bool continues = (static_cast<unsigned char>(c) & 0xc0) == 0x80;
    if (continues) {
      out.back().push_back(c);
    } else {
      out.emplace_back(1, c);
    }
  }
  return out;
}

// Of the characters that kWords and kGaps hold: 3 bytes are an ideograph, 2 a letter.
bool Joins(const std::string& character) {
  auto byte = static_cast<unsigned char>(character[0]);
  return character.size() == 2 || (character.size() == 1 && (std::isalnum(byte) || byte == '_'));
}

bool HasPhrase(const std::string& text, const std::string& phrase) {
  auto t = Characters(text), p = Characters(phrase);
  for (size_t at = 0; at + p.size() <= t.size(); ++at) {
    if (!std::equal(p.begin(), p.end(), t.begin() + static_cast<std::ptrdiff_t>(at))) continue;
    size_t end = at + p.size();
    bool begins = at == 0 || !Joins(t[at - 1]) || !Joins(p.front());
    bool ends = end == t.size() || !Joins(t[end]) || !Joins(p.back());
    if (begins && ends) return true;
  }
  return false;
}

bool HasMessage(const model::Record& record) { return !record.text.empty() || record.fields.empty(); }

const model::FieldValue* Find(const model::Record& record, const std::string& name) {
  for (const auto& [key, value] : record.fields) {
    if (key == name) return &value;
  }
  return nullptr;
}

// The number written in the query, in the form in which the value is: integers stay integers.
bool EqualsNumber(const model::FieldValue& value, const std::string& text) {
  double wanted = std::strtod(text.c_str(), nullptr);
  bool integer = text.find_first_of(".eNi") == std::string::npos;
  if (const auto* whole = std::get_if<int64_t>(&value)) {
    if (integer) return *whole == std::strtoll(text.c_str(), nullptr, 10);
    return static_cast<long double>(*whole) == static_cast<long double>(wanted);
  }
  if (const auto* number = std::get_if<double>(&value)) {
    if (std::isnan(*number) || std::isnan(wanted)) return std::isnan(*number) && std::isnan(wanted);
    if (integer) {
      return static_cast<long double>(*number) == static_cast<long double>(std::strtoll(text.c_str(), nullptr, 10));
    }
    return *number == wanted;
  }
  return std::get<std::string>(value) == text;
}

bool IsAbove(const model::FieldValue& value, double bound) {
  if (const auto* whole = std::get_if<int64_t>(&value)) {
    return static_cast<long double>(*whole) > static_cast<long double>(bound);
  }
  const auto* number = std::get_if<double>(&value);
  return number && *number > bound;
}

std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "\"";
}

// A JSON value as a number; the three that JSON has not are strings there.
bool AsNumber(const Json& json, long double* number) {
  if (json.is_number_integer()) return *number = static_cast<long double>(json.get<int64_t>()), true;
  if (json.is_number_float()) return *number = static_cast<long double>(json.get<double>()), true;
  if (json == "NaN") return *number = std::nan(""), true;
  if (json == "Infinity" || json == "-Infinity") return *number = json == "Infinity" ? kInfinity : -kInfinity, true;
  return false;
}

int Compare(const Json* a, const Json* b) {
  auto kind = [](const Json* json) {
    long double number = 0;
    return !json ? 0 : AsNumber(*json, &number) ? 1 : 2;
  };
  if (kind(a) != kind(b)) return kind(a) - kind(b);
  if (kind(a) == 0) return 0;
  if (kind(a) == 2) return a->get<std::string>().compare(b->get<std::string>());
  long double x = 0, y = 0;
  AsNumber(*a, &x);
  AsNumber(*b, &y);
  if (std::isnan(x) || std::isnan(y)) return static_cast<int>(std::isnan(x)) - static_cast<int>(std::isnan(y));
  return x < y ? -1 : x > y ? 1 : 0;
}

const Json* Member(const Json& row, const std::string& name) {
  auto found = row.find(name);
  return found == row.end() ? nullptr : &*found;
}

// Equal for values of one group.
std::string Identity(const Json* json) {
  long double number = 0;
  if (!json) return "-";
  if (!AsNumber(*json, &number)) return "t" + json->dump();
  if (std::isnan(number)) return "nan";
  char text[64];
  std::snprintf(text, sizeof text, "%.25Lg", number == 0 ? 0 : number);
  return text;
}

Json FromNumber(double value) {
  std::string text;
  model::AppendJsonNumber(value, &text);
  return Json::parse(text);
}

// The first of the values that is the number: integers stay exact.
const Json* Extreme(const std::vector<const Json*>& values, long double wanted) {
  return *std::find_if(values.begin(), values.end(), [&](const Json* value) {
    long double number = 0;
    return AsNumber(*value, &number) && number == wanted;
  });
}

// What one aggregate makes of the rows of a group; null: no value.
Json AggregateOf(const std::string& function, const std::string& field, const Rows& rows) {
  if (function == "count" && field.empty()) return rows.size();
  std::vector<const Json*> there;
  std::vector<long double> numbers;
  for (const Json& row : rows) {
    const Json* value = Member(row, field);
    if (!value) continue;
    there.push_back(value);
    if (long double number = 0; AsNumber(*value, &number)) numbers.push_back(number);
  }
  if (function == "count") return there.size();
  if (function == "count_distinct") {
    std::set<std::string> seen;
    for (const Json* value : there) seen.insert(Identity(value));
    return seen.size();
  }
  if (function == "nonfinite") {
    return std::count_if(numbers.begin(), numbers.end(), [](long double n) { return !std::isfinite(n); });
  }
  if (function == "first") return there.empty() ? Json() : *there.front();
  if (function == "last") return there.empty() ? Json() : *there.back();
  if (numbers.empty()) return {};
  if (function == "sum" || function == "avg") {
    long double sum = 0;
    for (long double number : numbers) sum += number;
    if (function == "avg") sum /= static_cast<long double>(numbers.size());
    // As a double: compared but for its last digits.
    return std::isfinite(sum) ? Json(static_cast<double>(sum)) : FromNumber(static_cast<double>(sum));
  }
  bool only_nan = std::all_of(numbers.begin(), numbers.end(), [](long double n) { return std::isnan(n); });
  if (only_nan) return function == "median" ? Json() : Json("NaN");
  std::erase_if(numbers, [](long double n) { return std::isnan(n); });
  std::sort(numbers.begin(), numbers.end());
  if (function != "median") return *Extreme(there, function == "min" ? numbers.front() : numbers.back());
  size_t middle = (numbers.size() - 1) / 2;
  double low = static_cast<double>(numbers[middle]);
  if (numbers.size() % 2 == 1 || numbers[middle] == numbers[middle + 1]) return FromNumber(low);
  return FromNumber(low + (static_cast<double>(numbers[middle + 1]) - low) / 2);
}

}  // namespace

Json ToJson(const model::Record& record) {
  std::string text;
  model::AppendJson(record, &text);
  return Json::parse(text);
}

std::vector<model::Record> RandomCase::Records(size_t count) {
  std::vector<model::Record> records;
  for (size_t i = 0; i < count; ++i) records.push_back(OneRecord(i));
  return records;
}

model::Record RandomCase::OneRecord(size_t index) {
  model::Record record;
  record.seq = index + 1;
  record.origin.job = Chance(70) ? "a" : "b";
  record.origin.attempt = Chance(80) ? 0 : 1;
  if (Chance(90)) record.origin.rank = static_cast<int32_t>(Below(8));
  if (Chance(80)) record.origin.node_rank = static_cast<int32_t>(Below(2));
  if (Chance(50)) record.origin.host = Chance(50) ? "n1" : "n2";
  record.stream = static_cast<model::Stream>(Below(4));
  // Mostly forwards, with equal times and late ones.
  record.time = kStart + static_cast<int64_t>(index / 3) * base::kNsPerSecond;
  if (Chance(20)) record.time -= static_cast<int64_t>(Below(60)) * base::kNsPerSecond;
  if (Chance(10)) record.time += static_cast<int64_t>(Below(1000));
  // Records of different jobs at one instant come in no promised order.
  record.time = record.time / 2 * 2 + (record.origin.job == "b" ? 1 : 0);
  if (Chance(50)) record.step = static_cast<int64_t>(Below(300));
  if (Chance(30)) record.level = Chance(50) ? "error" : "info";
  if (Chance(80)) record.text = Sentence();
  for (const std::string& name : kNames) {
    if (Chance(40)) record.fields.emplace_back(name, Value());
  }
  return record;
}

std::string RandomCase::Sentence() {
  std::string text;
  for (size_t words = Below(6); words > 0; --words) text += Pick(kWords) + Pick(kGaps);
  return text;
}

model::FieldValue RandomCase::Value() {
  switch (Below(6)) {
    case 0:
      return Pick(kTexts);
    case 1:
      return static_cast<int64_t>(Below(5)) - 1;
    case 2:
      return int64_t{9007199254740992} + static_cast<int64_t>(Below(3));
    case 3:
      return Pick(std::vector<double>{std::nan(""), kInfinity, -kInfinity, 1e300, 0.1, 2.5});
    case 4:
      return static_cast<double>(Below(40)) / 8;
    default:
      return Chance(50) ? model::FieldValue(INT64_MAX) : model::FieldValue(static_cast<double>(Below(3)));
  }
}

RandomQuery RandomCase::Query() {
  Term term = AnyTerm(3);
  RandomQuery query{term.text, term.holds, {}};
  AddPipes(&query);
  return query;
}

RandomCase::Term RandomCase::AnyTerm(int depth) {
  if (depth > 0 && Chance(45)) {
    Term a = AnyTerm(depth - 1), b = AnyTerm(depth - 1);
    switch (Below(4)) {
      case 0:
        return {"(" + a.text + " OR " + b.text + ")", [=](const auto& r) { return a.holds(r) || b.holds(r); }};
      case 1:
        return {(Chance(50) ? "-" : "NOT ") + std::string("(") + a.text + ")",
                [=](const auto& r) { return !a.holds(r); }};
      default:
        return {"(" + a.text + (Chance(50) ? " " : " AND ") + b.text + ")",
                [=](const auto& r) { return a.holds(r) && b.holds(r); }};
    }
  }
  switch (Below(6)) {
    case 0:
      return RankTerm();
    case 1:
      return NumberTerm();
    case 2:
      return FieldTerm();
    case 3:
      return TimeTerm();
    default:
      return TextTerm();
  }
}

RandomCase::Term RandomCase::TextTerm() {
  std::string needle = Pick(kWords);
  if (Chance(30)) needle += Pick(std::vector<std::string>{" ", "", ": "}) + Pick(kWords);
  if (Chance(30)) {
    auto characters = Characters(needle);
    needle.clear();
    for (size_t i = Below(characters.size()); i < characters.size(); ++i) needle += characters[i];
  }
  bool exact = Chance(25);
  auto seen = [exact](const model::Record& r) { return exact ? Plain(r.text) : Fold(Plain(r.text)); };
  std::string wanted = exact ? needle : Fold(needle);
  std::string mark = exact ? "=" : "";
  if (Chance(50)) {
    return {mark + Quoted(needle), [=](const auto& r) { return HasMessage(r) && HasPhrase(seen(r), wanted); }};
  }
  bool quotes = Chance(30) || needle.starts_with(' ');
  return {mark + "*" + (quotes ? Quoted(needle) : needle) + "*",
          [=](const auto& r) { return HasMessage(r) && seen(r).find(wanted) != std::string::npos; }};
}

RandomCase::Term RandomCase::NumberTerm() {
  std::string name = Pick(kNames), number = Pick(kNumbers);
  if (Chance(50)) {
    return {name + ":" + number, [=](const auto& r) {
              const auto* value = Find(r, name);
              return value && EqualsNumber(*value, number);
            }};
  }
  double low = static_cast<double>(Below(5)) - 1, high = low + static_cast<double>(Below(4));
  if (Chance(50)) {
    return {name + ":>" + std::to_string(low), [=](const auto& r) {
              const auto* value = Find(r, name);
              return value && IsAbove(*value, low);
            }};
  }
  return {name + ":(" + std::to_string(low) + "," + std::to_string(high) + "]", [=](const auto& r) {
            const auto* value = Find(r, name);
            bool number = value && !std::holds_alternative<std::string>(*value) && !EqualsNumber(*value, "NaN");
            return number && IsAbove(*value, low) && !IsAbove(*value, high);
          }};
}

RandomCase::Term RandomCase::FieldTerm() {
  std::string name = Pick(kNames);
  switch (Below(6)) {
    case 0:
      return {name + ":*", [=](const auto& r) { return Find(r, name) != nullptr; }};
    case 1: {
      std::string text = Pick(kTexts);
      return {name + ":" + Quoted(text), [=](const auto& r) {
                const auto* value = Find(r, name);
                if (!value) return text.empty();
                if (text == "12") return EqualsNumber(*value, text);
                return std::holds_alternative<std::string>(*value) && std::get<std::string>(*value) == text;
              }};
    }
    case 2:
      return {"level:ERROR", [](const auto& r) { return r.level == "error"; }};
    case 3:
      return {"stream:metric,stderr",
              [](const auto& r) { return r.stream == model::Stream::kMetric || r.stream == model::Stream::kStderr; }};
    case 4:
      return {"host:n1", [](const auto& r) { return r.origin.host == "n1"; }};
    default:
      return {"job:a", [](const auto& r) { return r.origin.job == "a"; }};
  }
}

RandomCase::Term RandomCase::RankTerm() {
  int low = static_cast<int>(Below(8)), high = low + static_cast<int>(Below(4)), out = static_cast<int>(Below(8));
  auto rank = [](const model::Record& r) { return r.origin.rank.value_or(-1); };
  std::string l = std::to_string(low), h = std::to_string(high), o = std::to_string(out);
  switch (Below(4)) {
    case 0:
      return {"rank:" + l, [=](const auto& r) { return rank(r) == low; }};
    case 1:
      return {"rank:[" + l + "," + h + "]", [=](const auto& r) { return rank(r) >= low && rank(r) <= high; }};
    case 2:
      return {"rank:in(" + l + "-" + h + ",!" + o + ")",
              [=](const auto& r) { return rank(r) >= low && rank(r) <= high && rank(r) != out; }};
    default:
      return {"step:[" + l + "0," + h + "0]",
              [=](const auto& r) { return r.step && *r.step >= low * 10 && *r.step <= high * 10; }};
  }
}

RandomCase::Term RandomCase::TimeTerm() {
  base::TimeNs since = kStart + static_cast<int64_t>(Below(60)) * base::kNsPerSecond - 10;
  base::TimeNs until = since + static_cast<int64_t>(Below(30)) * base::kNsPerSecond + 10;
  bool open = Chance(30);
  return {"_time:[" + model::FormatTime(since) + "," + model::FormatTime(until) + (open ? ")" : "]"),
          [=](const auto& r) { return r.time >= since && (open ? r.time < until : r.time <= until); }};
}

void RandomCase::AddPipes(RandomQuery* query) {
  for (size_t pipes = Below(3); pipes > 0; --pipes) {
    switch (Below(5)) {
      case 0:
        AddLimit(query);
        break;
      case 1:
        AddSort(query);
        break;
      case 2:
        AddFirst(query);
        break;
      case 3:
        AddFields(query);
        break;
      default:
        return AddStats(query);
    }
  }
}

void RandomCase::AddLimit(RandomQuery* query) {
  size_t limit = Below(12);
  query->text += " | limit " + std::to_string(limit);
  query->pipes.emplace_back([=](Rows rows) {
    if (rows.size() > limit) rows.resize(limit);
    return rows;
  });
}

void RandomCase::AddSort(RandomQuery* query) {
  std::string name = Pick(std::vector<std::string>{"rank", "loss", "x", "name", "host", "step"});
  bool down = Chance(50);
  query->text += " | sort " + name + (down ? " desc" : "");
  query->pipes.emplace_back([=](Rows rows) {
    std::stable_sort(rows.begin(), rows.end(), [&](const Json& a, const Json& b) {
      int order = Compare(Member(a, name), Member(b, name));
      return down ? order > 0 : order < 0;
    });
    return rows;
  });
}

void RandomCase::AddFirst(RandomQuery* query) {
  std::string name = Pick(std::vector<std::string>{"rank", "loss", "x", "job_id"});
  size_t count = 1 + Below(2);
  query->text += " | first " + std::to_string(count) + " by (" + name + ")";
  query->pipes.emplace_back([=](const Rows& rows) {
    std::map<std::string, size_t> seen;
    Rows first;
    for (const Json& row : rows) {
      if (seen[Identity(Member(row, name))]++ < count) first.push_back(row);
    }
    return first;
  });
}

void RandomCase::AddFields(RandomQuery* query) {
  std::vector<std::string> names = {"rank", Pick(kNames), "msg", "job_id"};
  query->text += " | fields rank, " + names[1] + ", msg, job_id";
  query->pipes.emplace_back([=](const Rows& rows) {
    Rows chosen;
    for (const Json& row : rows) {
      Json out = Json::object();
      for (const std::string& name : names) {
        if (const Json* value = Member(row, name)) out[name] = *value;
      }
      chosen.push_back(std::move(out));
    }
    return chosen;
  });
}

void RandomCase::AddStats(RandomQuery* query) {
  static const std::vector<std::string> kFunctions = {"count", "count_distinct", "sum",   "avg",  "min",
                                                      "max",   "median",         "first", "last", "nonfinite"};
  struct Wanted {
    std::string function, field, column;
  };
  std::vector<Wanted> wanted = {{"count", "", "n"}};
  std::string text = "count() as n";
  for (size_t i = Below(4); i > 0; --i) {
    Wanted next{Pick(kFunctions), Pick(kNames), "c" + std::to_string(i)};
    text += next.function == "median" ? ", quantile(0.5, " : ", " + next.function + "(";
    text += next.field + ") as " + next.column;
    wanted.push_back(next);
  }
  std::vector<std::string> groups;
  for (const char* name : {"rank", "loss", "job_id", "stream"}) {
    if (Chance(30)) groups.emplace_back(name);
  }
  std::string by;
  for (const std::string& name : groups) by += (by.empty() ? "" : ", ") + name;
  query->text += " | stats " + text + (by.empty() ? "" : " by (" + by + ")");
  query->pipes.emplace_back([=](const Rows& rows) {
    std::map<std::string, Rows> members;
    if (groups.empty()) members[""] = {};
    for (const Json& row : rows) {
      std::string identity;
      for (const std::string& name : groups) identity += Identity(Member(row, name)) + "|";
      members[identity].push_back(row);
    }
    Rows table;
    for (const auto& [identity, group] : members) {
      Json out = Json::object();
      for (const std::string& name : groups) {
        if (const Json* value = Member(group.front(), name)) out[name] = *value;
      }
      for (const Wanted& one : wanted) {
        Json value = AggregateOf(one.function, one.field, group);
        if (!value.is_null()) out[one.column] = value;
      }
      table.push_back(std::move(out));
    }
    std::stable_sort(table.begin(), table.end(), [&](const Json& a, const Json& b) {
      for (const std::string& name : groups) {
        if (int order = Compare(Member(a, name), Member(b, name)); order != 0) return order < 0;
      }
      return false;
    });
    return table;
  });
}

}  // namespace rankscope
