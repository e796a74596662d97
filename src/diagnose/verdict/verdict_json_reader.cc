#include <nlohmann/json.hpp>

#include "diagnose/verdict/verdict_json.h"
#include "model/time_text.h"

namespace rankscope::diagnose {

namespace {

using Json = nlohmann::json;

template <typename Number>
std::optional<Number> NumberIn(const Json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_number() ? std::optional(found->get<Number>()) : std::nullopt;
}

std::string TextIn(const Json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<base::TimeNs> TimeIn(const Json& object) { return model::ParseTime(TextIn(object, "timestamp")); }

void ReadLists(const Json& json, Verdict* verdict) {
  for (const Json& one : json.at("evidence")) {
    verdict->evidence.push_back({TextIn(one, "msg"), TextIn(one, "role"), TimeIn(one), NumberIn<int32_t>(one, "rank"),
                                 TextIn(one, "file"), NumberIn<uint64_t>(one, "line_number").value_or(0)});
  }
  for (const Json& one : json.at("timeline")) {
    verdict->timeline.push_back(
        {TimeIn(one), NumberIn<int32_t>(one, "rank"), NumberIn<int64_t>(one, "step"), TextIn(one, "what")});
  }
  for (const Json& one : json.at("alternatives")) {
    verdict->alternatives.push_back({TextIn(one, "class"), one.value("confidence", 0.0), TextIn(one, "why_not")});
  }
  for (const Json& one : json.at("advice")) verdict->advice.push_back({TextIn(one, "text"), TextIn(one, "doc")});
  for (const Json& one : json.at("similar")) {
    verdict->similar.push_back(
        {TextIn(one, "incident_id"), TextIn(one, "job_id"), TextIn(one, "class"), one.value("score", 0.0)});
  }
}

Verdict Read(const Json& json) {
  Verdict verdict;
  verdict.failure = json.at("class");
  verdict.kind = json.at("subclass");
  verdict.confidence = json.at("confidence");
  verdict.healthy = json.at("healthy");
  verdict.summary = json.at("summary");
  if (const Json& culprit = json.at("culprit"); culprit.is_object()) {
    verdict.culprit = Culprit{NumberIn<int32_t>(culprit, "node_rank"), NumberIn<int32_t>(culprit, "rank"),
                              NumberIn<int64_t>(culprit, "step")};
  }
  verdict.culprits = json.at("culprits").get<std::vector<int32_t>>();
  verdict.root_line = TextIn(json, "root_line");
  ReadLists(json, &verdict);
  verdict.why_not = json.at("why_not").get<std::vector<std::string>>();
  verdict.figures = json.at("figures").get<std::vector<std::string>>();
  verdict.restart = json.at("restart").get<std::vector<std::string>>();
  verdict.would_settle = json.at("would_settle").get<std::vector<std::string>>();
  return verdict;
}

}  // namespace

base::Result<Verdict> VerdictFromJson(std::string_view text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  try {
    if (json.is_object()) return Read(json);
  } catch (const Json::exception& error) {
    return base::Status::Corrupt(std::string("no verdict: ") + error.what());
  }
  return base::Status::Corrupt("no verdict: it is no JSON object");
}

}  // namespace rankscope::diagnose
