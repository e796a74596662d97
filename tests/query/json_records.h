#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "model/record.h"
#include "model/time_text.h"

namespace rankscope {

// A record from its JSON form, as tests write it: members absent are not known, the strings NaN, Infinity and -Infinity
// are numbers, and a text may be {"repeat": "x", "times": N, "then": "y"}. Throws on what is no record.
inline std::string TextOf(const nlohmann::json& json) {
  if (json.is_string()) return json.get<std::string>();
  std::string out;
  for (int i = json.at("times").get<int>(); i > 0; --i) out += json.at("repeat").get<std::string>();
  return out + json.value("then", "");
}

inline model::FieldValue FieldOf(const nlohmann::json& json) {
  if (json.is_number_float()) return json.get<double>();
  if (json.is_number_unsigned() && json.get<uint64_t>() > INT64_MAX) return json.get<double>();
  if (json.is_number()) return json.get<int64_t>();
  std::string text = TextOf(json);
  if (text == "NaN") return std::nan("");
  if (text == "Infinity") return HUGE_VAL;
  if (text == "-Infinity") return -HUGE_VAL;
  return text;
}

inline model::Record RecordOf(const nlohmann::ordered_json& json, uint64_t seq) {
  model::Record record;
  record.seq = seq;
  record.origin.job = "j";
  for (const auto& [key, value] : json.items()) {
    if (key == "timestamp") {
      auto time = model::ParseTime(value.get<std::string>());
      if (!time) throw std::runtime_error("bad timestamp " + value.dump());
      record.time = *time;
    } else if (key == "project") {
      record.origin.project = value;
    } else if (key == "job_id") {
      record.origin.job = value;
    } else if (key == "attempt") {
      record.origin.attempt = value;
    } else if (key == "node_rank") {
      record.origin.node_rank = value.get<int32_t>();
    } else if (key == "rank") {
      record.origin.rank = value.get<int32_t>();
    } else if (key == "local_rank") {
      record.origin.local_rank = value.get<int32_t>();
    } else if (key == "host") {
      record.origin.host = value;
    } else if (key == "stream") {
      record.stream = model::ParseStream(value.get<std::string>()).value();
    } else if (key == "step") {
      record.step = value.get<int64_t>();
    } else if (key == "level") {
      record.level = value;
    } else if (key == "msg") {
      record.text = TextOf(value);
    } else {
      record.fields.emplace_back(key, FieldOf(value));
    }
  }
  return record;
}

}  // namespace rankscope
