#include "diagnose/reading/json_metrics.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "parse/metric_names.h"

namespace rankscope::diagnose {
namespace {

using Json = nlohmann::json;

// "NaN", "Infinity", as JSON cannot write them otherwise.
std::optional<double> NonFinite(const std::string& text) {
  if (text == "NaN" || text == "nan") return std::nan("");
  if (text == "Infinity" || text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity" || text == "-inf") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

// ms-swift: "global_step/max_steps": "10/438".
void AddProgress(const std::string& text, model::Fields* fields) {
  size_t slash = text.find('/');
  if (slash == std::string::npos) return;
  parse::AddMetric("step", std::atof(text.c_str()), fields);
  parse::AddMetric("total_steps", std::atof(text.c_str() + slash + 1), fields);
}

bool IsOfTraining(const Json& object) {
  auto stream = object.find("stream");
  if (stream == object.end() || !stream->is_string()) return true;
  const auto& name = stream->get_ref<const std::string&>();
  return name == "metric" || name == "stdout" || name == "stderr";
}

}  // namespace

bool ReadJsonMetrics(std::string_view line, model::Fields* fields) {
  if (!line.starts_with("{\"") || !line.ends_with('}')) return false;
  Json object = Json::parse(line, nullptr, false);
  if (!object.is_object() || !IsOfTraining(object)) return false;
  for (const auto& [name, value] : object.items()) {
    if (value.is_number()) {
      parse::AddMetric(name, value.get<double>(), fields);
    } else if (value.is_string()) {
      const auto& text = value.get_ref<const std::string&>();
      if (name == "global_step/max_steps" || name == "iteration") AddProgress(text, fields);
      if (auto number = NonFinite(text)) parse::AddMetric(name, *number, fields);
    }
  }
  return true;
}

}  // namespace rankscope::diagnose
