#include "diagnose/reading/sample_records.h"

#include <nlohmann/json.hpp>

#include "model/record_json.h"

namespace rankscope::diagnose {

using Json = nlohmann::json;

void EachSample(const Case& read, std::string_view key,
                const std::function<void(const nlohmann::json& sample, size_t line)>& take) {
  const std::string quoted = "\"" + std::string(key) + "\"";
  for (size_t i = 0; i < read.lines.size(); ++i) {
    std::string_view text = read.lines[i].text;
    if (!text.starts_with('{') || text.find(quoted) == std::string_view::npos) continue;
    Json sample = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (sample.is_object() && sample.contains(std::string(key))) take(sample, i);
  }
}

std::string LabelIn(const nlohmann::json& sample, const char* key) {
  auto found = sample.find(key);
  if (found == sample.end()) return "";
  if (found->is_string()) return found->get<std::string>();
  return found->is_number_integer() ? std::to_string(found->get<int64_t>()) : "";
}

std::optional<double> NumberIn(const nlohmann::json& sample, const char* key) {
  auto found = sample.find(key);
  return found != sample.end() && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}

std::string ShownSecond(base::TimeNs time) {
  constexpr size_t kToSeconds = 19;
  return model::FormatTime(time).substr(0, kToSeconds) + "Z";
}

}  // namespace rankscope::diagnose
