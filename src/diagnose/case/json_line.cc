#include "diagnose/case/json_line.h"

#include <simdjson.h>

#include <algorithm>
#include <functional>
#include <initializer_list>

#include "model/time_text.h"

namespace rankscope::diagnose {
namespace {

namespace json = simdjson::dom;

std::optional<json::element> FirstOf(const json::object& object, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    json::element found;
    if (object.at_key(key).get(found) == simdjson::SUCCESS) return found;
  }
  return std::nullopt;
}

std::optional<int32_t> NumberAt(const json::object& object, const char* key) {
  int64_t number = -1;
  bool there = object.at_key(key).get(number) == simdjson::SUCCESS;
  if (!there || number < 0 || number > INT32_MAX) return std::nullopt;
  return static_cast<int32_t>(number);
}

std::optional<base::TimeNs> TimeAt(const json::object& object) {
  auto time = FirstOf(object, {"timestamp", "@timestamp", "_time", "time", "ts"});
  std::string_view text;
  int64_t number = 0;
  if (time && time->get(text) == simdjson::SUCCESS) return model::ParseTime(text, model::Zone::kElseUtc);
  if (time && time->get(number) == simdjson::SUCCESS) return model::TimeOfNumber(number, 0);
  return std::nullopt;
}

// Keys whose values say of what the others are told.
bool IsLabel(std::string_view key) {
  constexpr std::string_view kLabels[] = {"stream", "event", "host", "node", "switch", "port", "device", "gpu_uuid"};
  return std::find(std::begin(kLabels), std::end(kLabels), key) != std::end(kLabels);
}

// In whatever order the keys are.
uint64_t SeriesOf(const json::object& object) {
  constexpr uint64_t kSpread = 0x9E3779B97F4A7C15;
  std::hash<std::string_view> hash;
  uint64_t series = 1;
  for (const auto [key, value] : object) {
    uint64_t pair = hash(key);
    if (IsLabel(key)) pair = pair * kSpread + hash(simdjson::minify(value));
    series += (pair ^ (pair >> 29)) * kSpread;
  }
  return std::max<uint64_t>(series, 1);
}

}  // namespace

std::optional<JsonLine> ReadJsonLine(std::string_view line) {
  thread_local json::parser parser;  // as large as the longest line was
  json::object object;
  if (parser.parse(line.data(), line.size()).get(object) != simdjson::SUCCESS) return std::nullopt;
  JsonLine read;
  auto message = FirstOf(object, {"msg", "message", "text", "log", "_msg"});
  std::string_view text;
  const bool has_message = message && message->get(text) == simdjson::SUCCESS;
  read.text = has_message ? text : line;
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
