#include "diagnose/case/json_line.h"

#include <simdjson.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <utility>

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
  auto time = FirstOf(object, {"timestamp", "@timestamp", "_time", "time", "ts", "asctime"});
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

// Collectors of a cluster's logs (Fluent Bit, Vector) tell the pod beside the line: told as `kubectl --prefix` does.
void PrefixPod(const json::object& object, std::string* text) {
  constexpr size_t kLongestName = 128;
  json::object kubernetes;
  std::string_view pod;
  if (object.at_key("kubernetes").get(kubernetes) != simdjson::SUCCESS) return;
  if (kubernetes.at_key("pod_name").get(pod) != simdjson::SUCCESS || pod.size() > kLongestName) return;
  const std::string prefix = "[pod/" + std::string(pod) + "/] ";
  std::string prefixed = prefix;
  for (char c : *text) {
    prefixed += c;
    if (c == '\n') prefixed += prefix;
  }
  *text = std::move(prefixed);
}

// What loggers tell of an exception beside their message: more than the name of one that the message says already.
std::string ExceptionAt(const json::object& object, std::string_view message) {
  auto exception = FirstOf(object, {"exc_info", "exception", "stack_trace"});
  std::string_view text;
  const bool told = exception && exception->get(text) == simdjson::SUCCESS && !text.empty();
  return told && message.find(text) == std::string_view::npos ? "\n" + std::string(text) : "";
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
  if (has_message) read.text += ExceptionAt(object, text);
  if (!has_message) read.series = SeriesOf(object);
  while (read.text.ends_with('\n') || read.text.ends_with('\r')) read.text.pop_back();
  if (has_message) PrefixPod(object, &read.text);
  read.time = TimeAt(object);
  read.node_rank = NumberAt(object, "node_rank");
  read.rank = NumberAt(object, "rank");
  read.local_rank = NumberAt(object, "local_rank");
  read.attempt = NumberAt(object, "attempt");
  return read;
}

std::optional<std::string> MessagesIn(std::string_view sample) {
  size_t lines = 0, objects = 0;
  std::string messages;
  while (!sample.empty()) {
    const size_t end = std::min(sample.find('\n'), sample.size());
    std::string_view line = sample.substr(0, end);
    sample.remove_prefix(std::min(end + 1, sample.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    ++lines;
    auto read = line.starts_with('{') ? ReadJsonLine(line) : std::nullopt;
    if (!read) continue;
    ++objects;
    if (read->series == 0) messages += read->text + "\n";
  }
  return objects > 0 && objects * 10 >= lines * 7 ? std::optional(std::move(messages)) : std::nullopt;
}

}  // namespace rankscope::diagnose
