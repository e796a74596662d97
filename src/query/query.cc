#include "query/query.h"

#include <re2/re2.h>

#include <algorithm>

#include "model/record_json.h"

namespace rankscope::query {
namespace {

bool IsWordByte(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// Without SGR colours and other CSI sequences: a search sees what a reader sees.
std::string StripCsi(const std::string& text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '\x1b' && at + 1 < text.size() && text[at + 1] == '[') {
      at += 2;
      while (at < text.size() && (text[at] < '@' || text[at] > '~')) ++at;
      if (at < text.size()) ++at;
    } else {
      out.push_back(text[at++]);
    }
  }
  return out;
}

// The phrase, beginning and ending at a token border where its own first and last bytes are word bytes.
bool HasPhrase(std::string_view text, std::string_view phrase) {
  if (phrase.empty()) return true;
  for (size_t at = text.find(phrase); at != std::string_view::npos; at = text.find(phrase, at + 1)) {
    size_t end = at + phrase.size();
    bool opens = at == 0 || !IsWordByte(phrase.front()) || !IsWordByte(text[at - 1]);
    bool closes = end == text.size() || !IsWordByte(phrase.back()) || !IsWordByte(text[end]);
    if (opens && closes) return true;
  }
  return false;
}

bool FieldIs(const model::Record& record, const std::string& name, const std::string& wanted) {
  if (name == "level") return record.level == wanted;
  if (name == "step" && record.step) return std::to_string(*record.step) == wanted;
  const model::FieldValue* value = model::FindField(record.fields, name);
  if (!value) return false;
  if (const auto* text = std::get_if<std::string>(value)) return *text == wanted;
  char* end = nullptr;
  double number = std::strtod(wanted.c_str(), &end);
  return end && *end == '\0' && model::AsNumber(*value) == number;
}

bool Holds(const Condition& condition, const model::Record& record, std::string_view text) {
  switch (condition.kind) {
    case Condition::Kind::kPhrase:
      return HasPhrase(text, condition.text);
    case Condition::Kind::kSubstring:
      return text.find(condition.text) != std::string_view::npos;
    case Condition::Kind::kRegex:
      return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *condition.regex);
    case Condition::Kind::kField:
      return FieldIs(record, condition.name, condition.text);
  }
  return false;
}

bool MeetsConditions(const Query& query, const model::Record& record) {
  if (query.conditions.empty()) return true;
  bool coloured = record.text.find('\x1b') != std::string::npos;
  std::string plain = coloured ? StripCsi(record.text) : std::string();
  std::string_view text = coloured ? plain : record.text;
  return std::all_of(query.conditions.begin(), query.conditions.end(),
                     [&](const Condition& condition) { return Holds(condition, record, text) != condition.negated; });
}

}  // namespace

model::Scan ScanOf(const Query& query) {
  using model::Filter;
  const model::Selection& selection = query.selection;
  std::vector<Filter> terms = {Filter::Time(selection.since, selection.until)};
  if (!selection.job.empty()) {
    terms.push_back(Filter::Text(Filter::Kind::kEquals, "job_id", selection.job, /*case_sensitive=*/true));
  }
  model::Scan scan;
  scan.project = selection.project;
  scan.filter = Filter::And(std::move(terms));
  scan.newest_first = query.newest_first;
  return scan;
}

bool Matches(const Query& query, const model::Record& record) {
  return model::Matches(query.selection, record) && MeetsConditions(query, record);
}

base::Status RunQuery(LogSource* source, const Query& query, const std::function<bool(std::string_view)>& take) {
  uint64_t matched = 0;
  std::string json;
  bool counting = !query.count_as.empty();
  if (query.limit != uint64_t{0}) {
    base::Budget budget;
    RETURN_IF_ERROR(source->Read(ScanOf(query), &budget, [&](const model::Record& record) {
      if (!Matches(query, record)) return true;
      ++matched;
      if (!counting) {
        json.clear();
        model::AppendJson(record, &json);
        if (!take(json)) return false;
      }
      return matched != query.limit;
    }));
  }
  if (counting) take("{\"" + query.count_as + "\":" + std::to_string(matched) + "}");
  return {};
}

}  // namespace rankscope::query
