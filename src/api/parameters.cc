#include "api/parameters.h"

#include <strings.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/nearest.h"
#include "model/record_value.h"
#include "model/shown.h"
#include "model/time_text.h"

namespace rankscope::api {
namespace {

base::Status Wrong(const std::string& name, const std::string& value, std::string_view expected) {
  return base::Status::Invalid("parameter " + name + ": expected " + std::string(expected) + ", found \"" + value +
                               "\"");
}

std::string DecodeForm(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    bool escape = text[at] == '%' && at + 2 < text.size() && std::isxdigit(static_cast<unsigned char>(text[at + 1])) &&
                  std::isxdigit(static_cast<unsigned char>(text[at + 2]));
    if (escape) {
      out.push_back(static_cast<char>(std::strtol(std::string(text.substr(at + 1, 2)).c_str(), nullptr, 16)));
      at += 2;
    } else {
      out.push_back(text[at] == '+' ? ' ' : text[at]);
    }
  }
  return out;
}

void AddForm(std::string_view body, std::map<std::string, std::string>* values) {
  while (!body.empty()) {
    std::string_view pair = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(pair.size() + 1, body.size()));
    size_t equals = std::min(pair.find('='), pair.size());
    (*values)[DecodeForm(pair.substr(0, equals))] = DecodeForm(pair.substr(std::min(equals + 1, pair.size())));
  }
}

base::Status AddJson(const std::string& body, std::map<std::string, std::string>* values) {
  auto json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return base::Status::Invalid("the body is no JSON object");
  for (const auto& [name, value] : json.items()) {
    if (value.is_structured()) return base::Status::Invalid("parameter " + name + ": expected a text or a number");
    (*values)[name] = value.is_string() ? value.get<std::string>() : value.dump();
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
    AddForm(request.body, &parameters.values_);
  } else if (content.starts_with("application/json")) {
    RETURN_IF_ERROR(AddJson(request.body, &parameters.values_));
  } else {
    parameters.values_["query"] = request.body;
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
