#include "api/parameters.h"

#include <strings.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/nearest.h"
#include "base/url.h"
#include "model/record_value.h"
#include "model/shown.h"
#include "model/time_text.h"

namespace rankscope::api {
namespace {

base::Status Wrong(const std::string& name, const std::string& value, std::string_view expected) {
  return base::Status::Invalid("parameter " + name + ": expected " + std::string(expected) + ", found \"" + value +
                               "\"");
}

using Values = std::map<std::string, std::string>;

base::Status Add(const std::string& name, std::string value, Values* values) {
  if (values->emplace(name, std::move(value)).second) return {};
  return base::Status::Invalid("parameter " + model::Shown(name, 64) + " is there twice");
}

base::Result<std::string> DecodeForm(std::string_view text) {
  std::string blanks(text);
  std::replace(blanks.begin(), blanks.end(), '+', ' ');
  return base::UrlDecode(blanks);
}

base::Status AddForm(std::string_view body, Values* values) {
  while (!body.empty()) {
    std::string_view pair = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(pair.size() + 1, body.size()));
    size_t equals = std::min(pair.find('='), pair.size());
    ASSIGN_OR_RETURN(std::string name, DecodeForm(pair.substr(0, equals)));
    auto value = DecodeForm(pair.substr(std::min(equals + 1, pair.size())));
    if (!value.ok()) return value.status().WithContext("parameter " + model::Shown(name, 64));
    RETURN_IF_ERROR(Add(name, *std::move(value), values));
  }
  return {};
}

base::Status AddJson(const std::string& body, Values* values) {
  auto json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return base::Status::Invalid("the body is no JSON object");
  for (const auto& [name, value] : json.items()) {
    if (value.is_structured()) return base::Status::Invalid("parameter " + name + ": expected a text or a number");
    RETURN_IF_ERROR(Add(name, value.is_string() ? value.get<std::string>() : value.dump(), values));
  }
  return {};
}

// s, ms, µs or ns: whichever puts the time between 1970 and 2286.
base::TimeNs FromNumber(double number) {
  constexpr double kPerUnit[] = {1e9, 1e6, 1e3};
  constexpr double kLargest[] = {1e10, 1e13, 1e16};
  for (int i = 0; i < 3; ++i) {
    if (number < kLargest[i]) return static_cast<base::TimeNs>(number * kPerUnit[i]);
  }
  return static_cast<base::TimeNs>(number);
}

}  // namespace

Parameters Parameters::OfUrl(const Request& request) {
  Parameters parameters;
  parameters.values_ = request.query;
  return parameters;
}

base::Result<Parameters> Parameters::Of(const Request& request) {
  Parameters parameters = OfUrl(request);
  if (request.method != "POST" || request.body.empty()) return parameters;
  auto type = request.headers.find("content-type");
  std::string content = type == request.headers.end() ? "" : type->second;
  if (content.starts_with("application/x-www-form-urlencoded")) {
    if (request.body.starts_with('{')) {
      return base::Status::Invalid("the body is JSON: say so, with Content-Type: application/json");
    }
    RETURN_IF_ERROR(AddForm(request.body, &parameters.values_));
  } else if (content.starts_with("application/json")) {
    RETURN_IF_ERROR(AddJson(request.body, &parameters.values_));
  } else {
    RETURN_IF_ERROR(Add("query", request.body, &parameters.values_));
  }
  return parameters;
}

base::Status Parameters::CheckNames(std::string_view known) const {
  std::vector<std::string_view> names = {"project"};
  for (size_t at = 0; at < known.size();) {
    size_t end = std::min(known.find(' ', at), known.size());
    names.push_back(known.substr(at, end - at));
    at = end + 1;
  }
  for (const auto& [name, value] : values_) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    return base::Status::Invalid("unknown parameter " + model::Shown(name, 64) + base::Nearest(name, names));
  }
  return {};
}

std::string Parameters::Text(const std::string& name) const {
  auto found = values_.find(name);
  return found == values_.end() ? "" : found->second;
}

base::Result<std::string> Parameters::Needed(const std::string& name) const {
  if (!values_.contains(name)) return base::Status::Invalid("parameter " + name + " is missing");
  return Text(name);
}

base::Result<std::string> Parameters::OneOf(const std::string& name, std::initializer_list<const char*> known) const {
  std::string text = Text(name), list;
  if (text.empty()) return text;
  for (const char* one : known) {
    if (strcasecmp(one, text.c_str()) == 0) return std::string(one);
    list += (list.empty() ? "" : ", ") + std::string(one);
  }
  return base::Status::Invalid("parameter " + name + ": expected one of " + list + ", found \"" + text + "\"");
}

base::Result<std::optional<int64_t>> Parameters::Integer(const std::string& name) const {
  std::string text = Text(name);
  if (text.empty()) return std::optional<int64_t>();
  auto number = model::ParseNumber(text);
  const auto* integer = number ? std::get_if<int64_t>(&*number) : nullptr;
  if (!integer || *integer < 0) return Wrong(name, text, "a whole number");
  return std::optional(*integer);
}

base::Result<std::optional<base::TimeNs>> Parameters::Time(const std::string& name, base::TimeNs now) const {
  std::string text = Text(name);
  if (text.empty()) return std::optional<base::TimeNs>();
  if (auto time = model::ParseTime(text)) return time;
  if (auto duration = model::ParseDuration(text)) return std::optional(now - *duration);
  auto number = model::ParseWideNumber(text);
  if (number && *number >= 0 && *number < 9.2e18L) return std::optional(FromNumber(static_cast<double>(*number)));
  return Wrong(name, text, "a time (2026-11-01T00:20:00Z, or a number since 1970) or a duration (10m)");
}

base::Result<std::optional<int64_t>> Parameters::Duration(const std::string& name) const {
  std::string text = Text(name);
  if (text.empty()) return std::optional<int64_t>();
  auto duration = model::ParseDuration(text);
  if (!duration || *duration == 0) return Wrong(name, text, "a duration (10s)");
  return duration;
}

}  // namespace rankscope::api
