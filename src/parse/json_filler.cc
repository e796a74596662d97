#include "parse/json_filler.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "model/level_name.h"
#include "model/record_json.h"
#include "model/time_text.h"
#include "parse/json_number.h"
#include "parse/json_repair.h"

namespace rankscope::parse {
namespace {

using Kind = model::FieldView::Kind;

std::string Quoted(std::string_view text) {
  constexpr size_t kShown = 60;
  std::string out = "\"" + std::string(text.substr(0, kShown));
  return out + (text.size() > kShown ? "…\"" : "\"");
}

// As a time, a smaller number is a duration that somebody calls so: 1973 began at a hundred million seconds.
constexpr int64_t kLeastTime = 100'000'000;

// Of 5.0 or 1e3, as pandas writes integers once one of them is missing.
std::optional<int64_t> WholeNumber(std::string_view text) {
  constexpr double kExact = 1LL << 53;
  model::FieldView number;
  if (!ParseJsonNumber(text, &number) || number.kind != Kind::kDouble) return std::nullopt;
  if (std::trunc(number.number) != number.number || std::fabs(number.number) > kExact) return std::nullopt;
  return static_cast<int64_t>(number.number);
}

// A text that is a number.
void UnquoteNumber(model::FieldView* field) {
  if (field->kind == Kind::kText) (void)ParseJsonNumber(field->text, field);
}

bool IsDuration(model::FieldView field) {
  UnquoteNumber(&field);
  if (field.kind == Kind::kInteger) return field.integer > -kLeastTime && field.integer < kLeastTime;
  return field.kind == Kind::kDouble && std::fabs(field.number) < static_cast<double>(kLeastTime);
}

// A number must be written as JSON writes it, also where its text is all that counts.
bool IsWritten(const JsonValue& value) {
  model::FieldView number;
  return value.kind != JsonValue::Kind::kNumber || ParseJsonNumber(value.text, &number);
}

}  // namespace

JsonRecordFiller::JsonRecordFiller(std::string project, std::string job, bool any)
    : project_(std::move(project)), job_(std::move(job)), any_(any) {
  origin_.project = project_;
  origin_.job = job_;
  record_.fields.reserve(16);
}

void JsonRecordFiller::Begin() {
  if (!error_.ok()) error_ = {};
  if (any_) {
    origin_.project = project_;
    origin_.job = job_;
  }
  origin_.attempt = 0;
  origin_.node_rank.reset();
  origin_.rank.reset();
  origin_.local_rank.reset();
  host_ = {};
  record_.stream = model::Stream::kStdout;
  record_.seq = 0;
  record_.step.reset();
  record_.level = {};
  record_.text = {};
  record_.fields.clear();
  has_time_ = has_text_ = has_job_ = false;
  has_time_alias_ = has_text_alias_ = has_job_alias_ = false;
}

bool JsonRecordFiller::Take(JsonKey key, std::string_view name, const JsonValue& value) {
  if (value.kind == JsonValue::Kind::kNull) return true;
  switch (key) {
    case JsonKey::kField:
      return TakeField(name, value);
    case JsonKey::kTimeAlias:
      has_time_alias_ = true;
      return TakeField(name, value);
    case JsonKey::kTextAlias:
      has_text_alias_ = true;
      return TakeField(name, value);
    case JsonKey::kJobAlias:
      has_job_alias_ = true;
      return TakeField(name, value);
    case JsonKey::kTime:
      return TakeTime(name, value);
    case JsonKey::kAttempt:
      return TakeInteger(name, value.text, &origin_.attempt);
    case JsonKey::kNodeRank:
      return TakeInteger(name, value.text, &origin_.node_rank.emplace());
    case JsonKey::kRank:
      return TakeInteger(name, value.text, &origin_.rank.emplace());
    case JsonKey::kLocalRank:
      return TakeInteger(name, value.text, &origin_.local_rank.emplace());
    case JsonKey::kSeq:
      return TakeInteger(name, value.text, &record_.seq);
    case JsonKey::kStep:
      return TakeInteger(name, value.text, &record_.step.emplace());
    default:
      return IsWritten(value) && TakeText(key, name, value.text);
  }
}

bool JsonRecordFiller::End() {
  if (!TakeAliases()) return false;
  if (origin_.host != host_) origin_.host = host_;
  return true;
}

base::Status JsonRecordFiller::Add(base::TimeNs arrival, uint64_t seq, bool repeated,
                                   model::RecordBatchBuilder* batch) {
  if (error_.ok() && !any_ && job_.empty() && origin_.rank) {
    Wrong("rank", std::to_string(*origin_.rank), "the request names no job_id, and what belongs to no job has no rank");
  }
  if (!error_.ok()) return error_;
  if (!has_time_) record_.time = arrival;
  if (seq != 0) record_.seq = seq;
  if (repeated) RemoveDuplicates();
  record_.origin_index = batch->OriginIndex(origin_);
  batch->Add(record_);
  return {};
}

bool JsonRecordFiller::TakeText(JsonKey key, std::string_view name, std::string_view text) {
  switch (key) {
    case JsonKey::kProject:
      if (!any_ && text != origin_.project)
        return Wrong(name, text, "the request is for project " + Quoted(origin_.project));
      if (any_) origin_.project = text;
      return true;
    case JsonKey::kJob:
      has_job_ = true;
      return SetJob(name, text);
    case JsonKey::kHost:
      host_ = text;
      return true;
    case JsonKey::kLevel:
      model::SetLevel(text, &level_);
      record_.level = level_;
      return true;
    case JsonKey::kStream:
      return SetStream(name, text);
    default:
      has_text_ = true;
      record_.text = text;
      return true;
  }
}

bool JsonRecordFiller::SetStream(std::string_view name, std::string_view text) {
  auto stream = model::ParseStream(text);
  if (!stream) return Wrong(name, text, "one of stdout, stderr, metric, batch, event, host, gpu, stack is wanted");
  record_.stream = *stream;
  return true;
}

bool JsonRecordFiller::SetJob(std::string_view name, std::string_view text) {
  if (any_) {
    origin_.job = text;
  } else if (text != origin_.job) {
    return Wrong(name, text, "the request " + (job_.empty() ? "names no job_id" : "is for job_id " + Quoted(job_)));
  }
  return true;
}

// Filled where it stays: to copy what has just been written waits until that is in the cache.
bool JsonRecordFiller::TakeField(std::string_view name, const JsonValue& value) {
  model::FieldView& field = record_.fields.emplace_back();
  field.name = name;
  field.kind = Kind::kText;
  field.text = value.text;  // as which a number, too, may be the record's text
  if (value.kind == JsonValue::Kind::kNumber) return ParseJsonNumber(value.text, &field);
  if (value.kind != JsonValue::Kind::kText) return true;
  if (auto number = NonFinite(field.text)) {
    field.kind = Kind::kDouble;
    field.number = *number;
  }
  return true;
}

bool JsonRecordFiller::TakeTime(std::string_view name, const JsonValue& value) {
  model::FieldView field;
  field.kind = Kind::kText;
  field.text = value.text;
  bool known = value.kind == JsonValue::Kind::kText ||
               (value.kind == JsonValue::Kind::kNumber && ParseJsonNumber(value.text, &field));
  return known ? SetTime(name, &field) : NoTime(name, value.text);
}

bool JsonRecordFiller::SetTime(std::string_view name, model::FieldView* field) {
  UnquoteNumber(field);
  std::optional<base::TimeNs> time;
  if (field->kind == Kind::kText) time = model::ParseTime(field->text, model::Zone::kElseUtc);
  if (field->kind == Kind::kInteger) time = model::TimeOfNumber(field->integer, 0);
  if (field->kind == Kind::kDouble && field->decimals >= 0) time = model::TimeOfNumber(field->integer, field->decimals);
  if (!time) return NoTime(name, field->text);
  record_.time = *time;
  has_time_ = true;
  return true;
}

bool JsonRecordFiller::NoTime(std::string_view name, std::string_view text) {
  return Wrong(name, text, "no time: want RFC 3339, or a number of s, ms, µs or ns");
}

// Keys by other names have become fields: what the record lacks is taken from them.
bool JsonRecordFiller::TakeAliases() {
  if (has_job_alias_ && !has_job_ && !TakeJobAlias()) return false;
  if (has_time_alias_ && !has_time_ && !TakeTimeAlias()) return false;
  if (!has_text_alias_ || has_text_) return true;
  for (std::string_view name : kTextAliases) {
    auto field = TakeOut(name);
    if (!field) continue;
    record_.text = field->text;
    return true;
  }
  return true;
}

bool JsonRecordFiller::TakeJobAlias() {
  auto field = TakeOut("job");
  return !field || SetJob("job", field->text);
}

bool JsonRecordFiller::TakeTimeAlias() {
  for (std::string_view name : kTimeAliases) {
    const model::FieldView* found = FindLast(name);
    bool duration = found && IsDuration(*found);
    if (!found || duration) continue;
    model::FieldView field = *TakeOut(name);
    return SetTime(name, &field);
  }
  return true;
}

const model::FieldView* JsonRecordFiller::FindLast(std::string_view name) const {
  auto found = std::find_if(record_.fields.rbegin(), record_.fields.rend(),
                            [name](const model::FieldView& field) { return field.name == name; });
  return found == record_.fields.rend() ? nullptr : &*found;
}

// The last field of that name; none of them stays.
std::optional<model::FieldView> JsonRecordFiller::TakeOut(std::string_view name) {
  const model::FieldView* found = FindLast(name);
  if (!found) return std::nullopt;
  model::FieldView field = *found;
  std::erase_if(record_.fields, [name](const model::FieldView& other) { return other.name == name; });
  return field;
}

template <typename T>
bool JsonRecordFiller::TakeInteger(std::string_view name, std::string_view text, T* out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  if (error == std::errc() && end == text.data() + text.size()) return true;
  if (auto whole = WholeNumber(text); whole && std::in_range<T>(*whole)) {
    *out = static_cast<T>(*whole);
    return true;
  }
  return Wrong(name, text, "no integer of that size");
}

bool JsonRecordFiller::Wrong(std::string_view name, std::string_view text, const std::string& why) {
  error_ = base::Status::Invalid(std::string(name) + " " + Quoted(text) + ": " + why);
  return false;
}

// Of keys that come twice the last counts.
void JsonRecordFiller::RemoveDuplicates() {
  auto& fields = record_.fields;
  sorted_.resize(fields.size());
  for (size_t i = 0; i < fields.size(); ++i) sorted_[i] = i;
  std::sort(sorted_.begin(), sorted_.end(), [&](size_t a, size_t b) {
    return fields[a].name != fields[b].name ? fields[a].name < fields[b].name : a < b;
  });
  for (size_t i = 0; i + 1 < sorted_.size(); ++i) {
    if (fields[sorted_[i]].name != fields[sorted_[i + 1]].name) continue;
    fields[sorted_[i]].name = {};
  }
  std::erase_if(fields, [](const model::FieldView& field) { return field.name.data() == nullptr; });
}

}  // namespace rankscope::parse
