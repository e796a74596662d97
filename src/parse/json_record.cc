#include "parse/json_record.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "model/level_name.h"
#include "model/record_json.h"
#include "model/time_text.h"
#include "parse/json_keys.h"
#include "parse/json_number.h"
#include "parse/json_repair.h"

namespace rankscope::parse {
namespace {

namespace json = simdjson::ondemand;
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

// The token without the blanks behind it.
std::string_view Trim(std::string_view token) {
  while (!token.empty() && (token.back() == ' ' || token.back() == '\t' || token.back() == '\r')) {
    token.remove_suffix(1);
  }
  return token;
}

}  // namespace

class JsonRecordReader::Parser {
  static_assert(JsonKeys::kReadable <= kPadding);

 public:
  Parser(std::string project, std::string job, bool any)
      : project_(std::move(project)), job_(std::move(job)), any_(any) {
    origin_.project = project_;
    origin_.job = job_;
    record_.fields.reserve(16);
  }

  base::Status Read(std::string_view line, base::TimeNs arrival, uint64_t seq, model::RecordBatchBuilder* batch) {
    bool parsed = Parse(line);
    if (!parsed && error_.ok()) {
      std::string repaired = RepairedJson(line);
      size_t size = repaired.size();
      repaired.resize(size + kPadding);
      // Texts of the record point into the parser, or into `repaired`, which lives until they are added.
      if (!Parse(std::string_view(repaired).substr(0, size)) && error_.ok()) {
        error_ = base::Status::Invalid(std::string("no JSON object: ") + simdjson::error_message(fault_));
      }
      return Finish(arrival, seq, batch);
    }
    return Finish(arrival, seq, batch);
  }

 private:
  base::Status Finish(base::TimeNs arrival, uint64_t seq, model::RecordBatchBuilder* batch) {
    if (error_.ok() && !any_ && job_.empty() && origin_.rank) {
      Wrong("rank", std::to_string(*origin_.rank),
            "the request names no job_id, and what belongs to no job has no rank");
    }
    if (!error_.ok()) return error_;
    if (!has_time_) record_.time = arrival;
    if (seq != 0) record_.seq = seq;
    if (keys_.repeated()) RemoveDuplicates();
    record_.origin_index = batch->OriginIndex(origin_);
    batch->Add(record_);
    return {};
  }

  void Clear() {
    error_ = {};
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
    record_.level = record_.text = {};
    record_.fields.clear();
    has_time_ = has_text_ = has_job_ = false;
    has_time_alias_ = has_text_alias_ = has_job_alias_ = false;
    keys_.BeginLine();
  }

  // False: not JSON (error_ is ok, fault_ says why), or not a record (error_).
  bool Parse(std::string_view line) {
    Clear();
    json::document document;
    fault_ = parser_.iterate(line.data(), line.size(), line.size() + kPadding).get(document);
    if (fault_) return false;
    json::object object;
    fault_ = document.get_object().get(object);
    if (fault_) return false;
    size_t place = 0;
    for (auto entry : object) {
      json::field field;
      fault_ = std::move(entry).get(field);
      if (fault_) return false;
      std::string_view name;
      JsonKey key = keys_.Next(&field, place++, &name, &fault_);
      if (fault_) return false;
      json::value value = field.value();
      if (!Take(key, name, &value)) return false;
    }
    if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
      fault_ = simdjson::TRAILING_CONTENT;
      return false;
    }
    if (!TakeAliases()) return false;
    if (origin_.host != host_) origin_.host = host_;
    return true;
  }

  bool Take(JsonKey key, std::string_view name, json::value* value) {
    json::json_type type{};
    fault_ = value->type().get(type);
    if (fault_) return false;
    if (type == json::json_type::null) {
      bool null = false;
      fault_ = value->is_null().get(null);
      return !fault_;
    }
    switch (key) {
      case JsonKey::kField:
        return TakeField(name, type, value);
      case JsonKey::kTimeAlias:
        has_time_alias_ = true;
        return TakeField(name, type, value);
      case JsonKey::kTextAlias:
        has_text_alias_ = true;
        return TakeField(name, type, value);
      case JsonKey::kJobAlias:
        has_job_alias_ = true;
        return TakeField(name, type, value);
      case JsonKey::kTime:
        return TakeTime(name, type, value);
      case JsonKey::kAttempt:
        return TakeInteger(name, type, value, &origin_.attempt);
      case JsonKey::kNodeRank:
        return TakeInteger(name, type, value, &origin_.node_rank.emplace());
      case JsonKey::kRank:
        return TakeInteger(name, type, value, &origin_.rank.emplace());
      case JsonKey::kLocalRank:
        return TakeInteger(name, type, value, &origin_.local_rank.emplace());
      case JsonKey::kSeq:
        return TakeInteger(name, type, value, &record_.seq);
      case JsonKey::kStep:
        return TakeInteger(name, type, value, &record_.step.emplace());
      default:
        return TakeText(key, name, type, value);
    }
  }

  bool TakeText(JsonKey key, std::string_view name, json::json_type type, json::value* value) {
    std::string_view text;
    if (type == json::json_type::string) {
      fault_ = value->get_string().get(text);
      if (fault_) return false;
    } else if (!Raw(type, value, &text)) {
      return false;
    }
    switch (key) {
      case JsonKey::kProject:
        if (any_) {
          origin_.project = text;
        } else if (text != origin_.project) {
          Wrong(name, text, "the request is for project " + Quoted(origin_.project));
        }
        break;
      case JsonKey::kJob:
        has_job_ = true;
        return SetJob(name, text);
      case JsonKey::kHost:
        host_ = text;
        break;
      case JsonKey::kLevel:
        model::SetLevel(text, &level_);
        record_.level = level_;
        break;
      case JsonKey::kStream:
        if (auto stream = model::ParseStream(text)) {
          record_.stream = *stream;
        } else {
          Wrong(name, text, "one of stdout, stderr, metric, batch, event, host, gpu, stack is wanted");
        }
        break;
      default:
        has_text_ = true;
        record_.text = text;
    }
    return error_.ok();
  }

  bool SetJob(std::string_view name, std::string_view text) {
    if (any_) {
      origin_.job = text;
    } else if (text != origin_.job) {
      return Wrong(name, text, "the request " + (job_.empty() ? "names no job_id" : "is for job_id " + Quoted(job_)));
    }
    return true;
  }

  bool TakeField(std::string_view name, json::json_type type, json::value* value) {
    model::FieldView field;
    field.name = name;
    field.kind = Kind::kText;
    if (type == json::json_type::number) {
      field.text = Trim(value->raw_json_token());  // as which a number may be the record's text
      if (!ParseJsonNumber(field.text, &field)) {
        fault_ = simdjson::NUMBER_ERROR;
        return false;
      }
    } else if (type == json::json_type::string) {
      fault_ = value->get_string().get(field.text);
      if (fault_) return false;
      if (auto number = NonFinite(field.text)) {
        field.kind = Kind::kDouble;
        field.number = *number;
      }
    } else if (!Raw(type, value, &field.text)) {
      return false;
    }
    record_.fields.push_back(field);
    return true;
  }

  bool TakeTime(std::string_view name, json::json_type type, json::value* value) {
    model::FieldView field;
    field.kind = Kind::kText;
    if (type == json::json_type::string) {
      fault_ = value->get_string().get(field.text);
      if (fault_) return false;
    } else {
      field.text = Trim(value->raw_json_token());
      if (type != json::json_type::number || !ParseJsonNumber(field.text, &field)) return NoTime(name, field.text);
    }
    return SetTime(name, field);
  }

  bool SetTime(std::string_view name, model::FieldView field) {
    UnquoteNumber(&field);
    std::optional<base::TimeNs> time;
    if (field.kind == Kind::kText) time = model::ParseTime(field.text, model::Zone::kElseUtc);
    if (field.kind == Kind::kInteger) time = model::TimeOfNumber(field.integer, 0);
    if (field.kind == Kind::kDouble && field.decimals >= 0) time = model::TimeOfNumber(field.integer, field.decimals);
    if (!time) return NoTime(name, field.text);
    record_.time = *time;
    has_time_ = true;
    return true;
  }

  bool NoTime(std::string_view name, std::string_view text) {
    return Wrong(name, text, "no time: want RFC 3339, or a number of s, ms, µs or ns");
  }

  // Keys by other names have become fields: what the record lacks is taken from them.
  bool TakeAliases() {
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

  bool TakeJobAlias() {
    auto field = TakeOut("job");
    return !field || SetJob("job", field->text);
  }

  bool TakeTimeAlias() {
    for (std::string_view name : kTimeAliases) {
      const model::FieldView* found = FindLast(name);
      bool duration = found && IsDuration(*found);
      if (found && !duration) return SetTime(name, *TakeOut(name));
    }
    return true;
  }

  const model::FieldView* FindLast(std::string_view name) const {
    auto found = std::find_if(record_.fields.rbegin(), record_.fields.rend(),
                              [name](const model::FieldView& field) { return field.name == name; });
    return found == record_.fields.rend() ? nullptr : &*found;
  }

  // The last field of that name; none of them stays.
  std::optional<model::FieldView> TakeOut(std::string_view name) {
    const model::FieldView* found = FindLast(name);
    if (!found) return std::nullopt;
    model::FieldView field = *found;
    std::erase_if(record_.fields, [name](const model::FieldView& other) { return other.name == name; });
    return field;
  }

  template <typename T>
  bool TakeInteger(std::string_view name, json::json_type type, json::value* value, T* out) {
    std::string_view text;
    if (type == json::json_type::string) {
      fault_ = value->get_string().get(text);
      if (fault_) return false;
    } else if (type == json::json_type::number) {
      text = Trim(value->raw_json_token());
    }
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
    if (error == std::errc() && end == text.data() + text.size()) return true;
    if (auto whole = WholeNumber(text); whole && std::in_range<T>(*whole)) {
      *out = static_cast<T>(*whole);
      return true;
    }
    return Wrong(name, text, "no integer of that size");
  }

  // The JSON text of what is neither a number nor a text.
  bool Raw(json::json_type type, json::value* value, std::string_view* text) {
    bool nested = type == json::json_type::object || type == json::json_type::array;
    if (!nested) {
      *text = Trim(value->raw_json_token());
      bool truth = false;
      if (type == json::json_type::boolean) fault_ = value->get_bool().get(truth);
      return !fault_;
    }
    fault_ = simdjson::to_json_string(*value).get(*text);
    return !fault_;
  }

  bool Wrong(std::string_view name, std::string_view text, const std::string& why) {
    error_ = base::Status::Invalid(std::string(name) + " " + Quoted(text) + ": " + why);
    return false;
  }

  // Of keys that come twice the last counts.
  void RemoveDuplicates() {
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

  const std::string project_, job_;
  const bool any_;  // records may be of others
  json::parser parser_;
  simdjson::error_code fault_ = simdjson::SUCCESS;
  base::Status error_;
  model::Origin origin_;
  model::RecordView record_;
  std::string_view host_;
  std::string level_;
  bool has_time_ = false, has_text_ = false, has_job_ = false;
  bool has_time_alias_ = false, has_text_alias_ = false, has_job_alias_ = false;  // fields of such names
  JsonKeys keys_;                                                                 // names of the record point into it
  std::vector<size_t> sorted_;
};

JsonRecordReader::JsonRecordReader(std::string project, std::string job)
    : parser_(std::make_unique<Parser>(std::move(project), std::move(job), /*any=*/false)) {}
JsonRecordReader::JsonRecordReader(std::string job)
    : parser_(std::make_unique<Parser>("default", std::move(job), /*any=*/true)) {}
JsonRecordReader::~JsonRecordReader() = default;

base::Status JsonRecordReader::Read(std::string_view line, base::TimeNs arrival, uint64_t seq,
                                    model::RecordBatchBuilder* batch) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return {};
  return parser_->Read(line, arrival, seq, batch);
}

base::Result<std::vector<model::Record>> RecordsFromJson(std::vector<std::string> lines) {
  JsonRecordReader reader("");
  model::RecordBatchBuilder builder;
  for (std::string& line : lines) {
    size_t size = line.size();
    line.append(JsonRecordReader::kPadding, '\0');
    RETURN_IF_ERROR(reader.Read(std::string_view(line).substr(0, size), 0, 0, &builder));
  }
  if (builder.size() == 0) return std::vector<model::Record>();
  return model::DecodeRecords(builder.Take());
}

}  // namespace rankscope::parse
