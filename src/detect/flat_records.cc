#include "detect/flat_records.h"

#include <nlohmann/json.hpp>

#include "model/time_text.h"

namespace rankscope::detect {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMost = 5;

// What the whole record says, so that no field need say it again.
bool IsOrigin(const std::string& key) {
  return key == "rank" || key == "node_rank" || key == "local_rank" || key == "job_id" || key == "host" ||
         key == "attempt" || key == "project" || key == "stream" || key == "seq";
}

void Take(const std::string& key, const Json& value, model::Record* record) {
  if (key == "step" && value.is_number_integer()) {
    record->step = value.get<int64_t>();
  } else if (key == "msg" && value.is_string()) {
    record->text = value.get<std::string>();
  } else if (key == "timestamp" && value.is_string()) {
    record->time = model::ParseTime(value.get<std::string>()).value_or(record->time);
  } else if (IsOrigin(key)) {
    return;
  } else if (value.is_number_integer()) {
    record->fields.emplace_back(key, value.get<int64_t>());
  } else if (value.is_number()) {
    record->fields.emplace_back(key, value.get<double>());
  } else if (value.is_string()) {
    record->fields.emplace_back(key, value.get<std::string>());
  }
}

}  // namespace

std::vector<model::Record> FlatRecords(const std::string& json, const model::RecordView& event) {
  std::vector<model::Record> records;
  Json array = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!array.is_array()) return records;
  for (const Json& object : array) {
    if (!object.is_object() || records.size() == kMost) continue;
    model::Record& record = records.emplace_back();
    record.origin = *event.origin;
    record.stream = model::Stream::kMetric;
    record.time = event.time;
    record.step = event.step;
    for (const auto& [key, value] : object.items()) Take(key, value, &record);
  }
  return records;
}

}  // namespace rankscope::detect
