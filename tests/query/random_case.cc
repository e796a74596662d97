#include "random_case.h"

#include <algorithm>
#include <cmath>
#include <limits>

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
  for (const std::string& name : kFieldNames) {
    if (Chance(40)) record.fields.emplace_back(name, Value());
  }
  return record;
}

std::vector<model::Record> RandomCase::AlikeRecords(size_t count) {
  size_t loss = Below(4), x = Below(4);
  std::vector<model::Record> records;
  for (size_t i = 0; i < count; ++i) {
    model::Record& record = records.emplace_back();
    record.seq = i + 1;
    record.origin.job = "a";
    record.origin.rank = static_cast<int32_t>(i % 2);
    record.time = kStart + 50 * base::kNsPerSecond + static_cast<int64_t>(i) * base::kNsPerSecond / 8;
    record.stream = Chance(60) ? model::Stream::kMetric : model::Stream::kStdout;
    if (record.stream == model::Stream::kStdout) record.text = Sentence();
    if (record.stream == model::Stream::kMetric || Chance(2)) {
      record.fields = {{"loss", Number(loss)}, {"x", Number(x)}};
    }
  }
  return records;
}

model::FieldValue RandomCase::Number(size_t sort) {
  switch (sort) {
    case 0:
      return static_cast<int64_t>(Below(2000)) - 1000;
    case 1:
      return static_cast<double>(Below(100'000)) / 10'000;
    case 2:
      return static_cast<double>(random_()) / 1e15;
    default:
      return Value();
  }
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
        return {Pick(std::vector<std::string>{"-", "!", "NOT "}) + "(" + a.text + ")",
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
  std::string name = Pick(kFieldNames), number = Pick(kNumbers);
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
  std::string name = Pick(kFieldNames);
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

}  // namespace rankscope
