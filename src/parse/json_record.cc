#include "parse/json_record.h"

#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "parse/json_filler.h"
#include "parse/json_keys.h"
#include "parse/json_repair.h"
#include "parse/plain_json.h"

namespace rankscope::parse {
namespace {

namespace json = simdjson::ondemand;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// The token without the blanks behind it.
std::string_view Trim(std::string_view token) {
  while (!token.empty() && IsBlank(token.back())) token.remove_suffix(1);
  return token;
}

// Its text points into the line or into the parser.
simdjson::error_code ToValue(json::value* from, JsonValue* value) {
  json::json_type type{};
  if (auto fault = from->type().get(type)) return fault;
  bool flag = false;
  switch (type) {
    case json::json_type::null:
      value->kind = JsonValue::Kind::kNull;
      return from->is_null().get(flag);
    case json::json_type::boolean:
      value->kind = JsonValue::Kind::kTruth;
      value->text = Trim(from->raw_json_token());
      return from->get_bool().get(flag);
    case json::json_type::number:
      value->kind = JsonValue::Kind::kNumber;
      value->text = Trim(from->raw_json_token());
      return simdjson::SUCCESS;
    case json::json_type::string:
      value->kind = JsonValue::Kind::kText;
      return from->get_string().get(value->text);
    default:
      value->kind = JsonValue::Kind::kNested;
      return simdjson::to_json_string(*from).get(value->text);
  }
}

}  // namespace

class JsonRecordReader::Parser {
  static_assert(JsonKeys::kReadable <= kPadding && PlainJson::kReadable <= kPadding);

 public:
  Parser(std::string project, std::string job, bool any) : filler_(std::move(project), std::move(job), any) {}

  base::Status Read(std::string_view line, base::TimeNs arrival, uint64_t seq, model::RecordBatchBuilder* batch) {
    std::string repaired;  // texts of the record may point into it
    if (!TakePlain(line) && !TakeAny(line) && filler_.error().ok()) {
      repaired = RepairedJson(line);
      size_t size = repaired.size();
      repaired.resize(size + kPadding);
      if (!TakeAny(std::string_view(repaired).substr(0, size)) && filler_.error().ok())
        return base::Status::Invalid(std::string("no JSON object: ") + simdjson::error_message(fault_));
    }
    return filler_.Add(arrival, seq, keys_.repeated(), batch);
  }

 private:
  // Lines as programs write them, which are most: twice as fast as all that JSON may be. What is wrong with a line the
  // latter says.
  bool TakePlain(std::string_view line) {
    filler_.Begin();
    keys_.BeginLine();
    plain_.Begin(line);
    JsonKey key{};
    std::string_view name;
    JsonValue value;
    while (plain_.Next(&key, &name, &value)) {
      if (!filler_.Take(key, name, value)) return false;
    }
    return plain_.whole() && filler_.End();
  }

  // False: not JSON (the filler's error is ok, fault_ says why), or not a record.
  bool TakeAny(std::string_view line) {
    filler_.Begin();
    keys_.BeginLine();
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
      if (fault_ || !TakeField(&field, place++)) return false;
    }
    if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
      fault_ = simdjson::TRAILING_CONTENT;
      return false;
    }
    return filler_.End();
  }

  bool TakeField(json::field* field, size_t place) {
    JsonKey key{};
    std::string_view name;
    if (!keys_.Guess(field->key().raw(), place, &key, &name)) {
      // Of a result: that of a field itself takes another argument in each version of simdjson.
      fault_ = simdjson::simdjson_result<json::field>(json::field(*field)).unescaped_key().get(name);
      if (fault_) return false;
      key = keys_.Find(place, &name);
    }
    json::value from = field->value();
    JsonValue value;
    fault_ = ToValue(&from, &value);
    if (fault_) return false;
    if (filler_.Take(key, name, value)) return true;
    fault_ = simdjson::NUMBER_ERROR;
    return false;
  }

  JsonKeys keys_;  // names of the record point into it
  PlainJson plain_{&keys_};
  json::parser parser_;
  simdjson::error_code fault_ = simdjson::SUCCESS;
  JsonRecordFiller filler_;
};

JsonRecordReader::JsonRecordReader(std::string project, std::string job)
    : parser_(std::make_unique<Parser>(std::move(project), std::move(job), /*any=*/false)) {}
JsonRecordReader::JsonRecordReader(std::string job)
    : parser_(std::make_unique<Parser>("default", std::move(job), /*any=*/true)) {}
JsonRecordReader::~JsonRecordReader() = default;

base::Status JsonRecordReader::Read(std::string_view line, base::TimeNs arrival, uint64_t seq,
                                    model::RecordBatchBuilder* batch) {
  // Files begin with it, also where several were put one behind the other.
  if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  if (std::all_of(line.begin(), line.end(), IsBlank)) return {};
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
