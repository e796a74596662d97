#include "diagnose/verdict/verdict_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "model/record_json.h"

namespace rankscope::diagnose {
namespace {

using nlohmann::ordered_json;

void SetTime(const std::optional<base::TimeNs>& time, ordered_json* object) {
  if (time) (*object)["timestamp"] = model::FormatTime(*time);
}

ordered_json OrNull(const std::optional<int32_t>& number) { return number ? ordered_json(*number) : ordered_json(); }

ordered_json CulpritJson(const std::optional<Culprit>& culprit) {
  if (!culprit) return nullptr;
  ordered_json step = culprit->step ? ordered_json(*culprit->step) : ordered_json();
  return {{"node_rank", OrNull(culprit->node_rank)}, {"rank", OrNull(culprit->rank)}, {"step", step}};
}

ordered_json EvidenceJson(const std::vector<Evidence>& evidence) {
  ordered_json list = ordered_json::array();
  for (const Evidence& one : evidence) {
    ordered_json object;
    SetTime(one.time, &object);
    object["rank"] = OrNull(one.rank);
    object["msg"] = one.text;
    if (!one.file.empty()) object["file"] = one.file;
    if (one.line_number > 0) object["line_number"] = one.line_number;
    object["role"] = one.role;
    list.push_back(std::move(object));
  }
  return list;
}

ordered_json TimelineJson(const std::vector<Event>& timeline) {
  ordered_json list = ordered_json::array();
  for (const Event& event : timeline) {
    ordered_json object;
    SetTime(event.time, &object);
    object["rank"] = OrNull(event.rank);
    object["step"] = event.step ? ordered_json(*event.step) : ordered_json();
    object["what"] = event.what;
    list.push_back(std::move(object));
  }
  return list;
}

ordered_json ElementJson(const std::optional<SlowElement>& found) {
  if (!found) return nullptr;
  return {{"kind", KindName(found->element.kind)},
          {"name", found->element.name},
          {"ranks", found->element.ranks},
          {"first", found->draws},
          {"hits", found->hits},
          {"log10_chance", found->log_chance}};
}

ordered_json SlowdownJson(const Slowdown& slowdown) {
  ordered_json json;
  json["before"] = slowdown.before;
  json["worst"] = slowdown.worst;
  json["after"] = slowdown.after;
  json["unit"] = slowdown.unit;
  json["recovered_step"] = slowdown.recovered_step ? ordered_json(*slowdown.recovered_step) : ordered_json();
  json["element"] = ElementJson(slowdown.element);
  json["order"] = ordered_json::array();
  for (const RankOnset& onset : slowdown.order) {
    json["order"].push_back({{"rank", onset.rank}, {"step", onset.step ? ordered_json(*onset.step) : ordered_json()}});
  }
  json["links"] = ordered_json::array();
  for (const HotLink& link : slowdown.links) {
    json["links"].push_back(
        {{"device", link.device}, {"port", link.port}, {"counter", link.counter}, {"rise", link.rise}});
  }
  return json;
}

double Rounded(double share) { return std::round(share * 1000) / 1000; }

}  // namespace

std::string ToJson(const Verdict& verdict, const std::vector<std::string>& left_out) {
  ordered_json json;
  json["class"] = verdict.failure;
  json["subclass"] = verdict.kind;
  json["confidence"] = Rounded(verdict.confidence);
  json["healthy"] = verdict.healthy;
  json["summary"] = verdict.summary;
  json["culprit"] = CulpritJson(verdict.culprit);
  json["culprits"] = verdict.culprits;
  json["root_line"] = !verdict.root_line.empty() ? ordered_json(verdict.root_line) : ordered_json();
  json["evidence"] = EvidenceJson(verdict.evidence);
  json["timeline"] = TimelineJson(verdict.timeline);
  json["alternatives"] = ordered_json::array();
  for (const Alternative& other : verdict.alternatives) {
    json["alternatives"].push_back(
        {{"class", other.failure}, {"confidence", Rounded(other.confidence)}, {"why_not", other.why_not}});
  }
  json["why_not"] = verdict.why_not;
  json["figures"] = verdict.figures;
  if (verdict.slowdown) json["slowdown"] = SlowdownJson(*verdict.slowdown);
  json["restart"] = verdict.restart;
  json["advice"] = ordered_json::array();
  for (const Advice& advice : verdict.advice) json["advice"].push_back({{"text", advice.text}, {"doc", advice.doc}});
  json["similar"] = ordered_json::array();
  for (const Similar& other : verdict.similar) {
    json["similar"].push_back({{"incident_id", other.incident.empty() ? ordered_json() : ordered_json(other.incident)},
                               {"job_id", other.job},
                               {"class", other.failure},
                               {"score", Rounded(other.score)}});
  }
  json["would_settle"] = verdict.would_settle;
  json["left_out"] = left_out;
  return base::JsonText(json);
}

}  // namespace rankscope::diagnose
