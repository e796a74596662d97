#include "diagnose/case/json_line.h"

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <nlohmann/json.hpp>

#include "model/time_text.h"

namespace rankscope::diagnose {
namespace {

using Json = nlohmann::json;

const Json* FirstOf(const Json& object, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    auto found = object.find(key);
    if (found != object.end()) return &*found;
  }
  return nullptr;
}

std::optional<int32_t> NumberAt(const Json& object, const char* key) {
  auto found = object.find(key);
  bool number = found != object.end() && found->is_number_integer();
  if (!number || found->get<int64_t>() < 0 || found->get<int64_t>() > INT32_MAX) return std::nullopt;
  return found->get<int32_t>();
}

std::optional<base::TimeNs> TimeAt(const Json& object) {
  const Json* time = FirstOf(object, {"timestamp", "@timestamp", "_time", "time", "ts"});
  if (time == nullptr) return std::nullopt;
  if (time->is_string()) return model::ParseTime(time->get<std::string>(), model::Zone::kElseUtc);
  if (time->is_number_integer()) return model::TimeOfNumber(time->get<int64_t>(), 0);
  return std::nullopt;
}

// Keys whose values say of what the others are told.
bool IsLabel(std::string_view key) {
  constexpr std::string_view kLabels[] = {"stream", "event", "host", "node", "switch", "port", "device", "gpu_uuid"};
  return std::find(std::begin(kLabels), std::end(kLabels), key) != std::end(kLabels);
}

uint64_t SeriesOf(const Json& object) {
  uint64_t series = 1;
  for (const auto& [key, value] : object.items()) {
    series = series * 0x9E3779B97F4A7C15 + std::hash<std::string_view>()(key);
    if (IsLabel(key)) series = series * 0x9E3779B97F4A7C15 + std::hash<Json>()(value);
  }
  return std::max<uint64_t>(series, 1);
}

}  // namespace

std::optional<JsonLine> ReadJsonLine(std::string_view line) {
  Json object = Json::parse(line, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  const Json* text = FirstOf(object, {"msg", "message", "text", "log", "_msg"});
  JsonLine read;
  const bool has_message = text != nullptr && text->is_string();
  read.text = has_message ? text->get<std::string>() : std::string(line);
  if (!has_message) read.series = SeriesOf(object);
  while (read.text.ends_with('\n') || read.text.ends_with('\r')) read.text.pop_back();
  read.time = TimeAt(object);
  read.node_rank = NumberAt(object, "node_rank");
  read.rank = NumberAt(object, "rank");
  read.local_rank = NumberAt(object, "local_rank");
  read.attempt = NumberAt(object, "attempt");
  return read;
}

bool IsContainerJson(std::string_view line) {
  return line.starts_with("{\"log\":\"") && line.ends_with('}') &&
         line.find("\"stream\":\"std") != std::string_view::npos;
}

}  // namespace rankscope::diagnose
