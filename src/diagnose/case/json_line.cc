#include "diagnose/case/json_line.h"

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

}  // namespace

std::optional<JsonLine> ReadJsonLine(std::string_view line) {
  Json object = Json::parse(line, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  const Json* text = FirstOf(object, {"msg", "message", "text", "log", "_msg"});
  JsonLine read;
  read.text = text != nullptr && text->is_string() ? text->get<std::string>() : std::string(line);
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
