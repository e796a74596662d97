#include "diagnose/knowledge/insights.h"

#include <nlohmann/json.hpp>

#include "base/json_text.h"

namespace rankscope::diagnose {
namespace {

using nlohmann::ordered_json;

ordered_json FailuresJson(const std::vector<Insights::Failures>& list, const char* name) {
  ordered_json json = ordered_json::array();
  for (const auto& one : list) {
    json.push_back({{name, one.value},
                    {"jobs", one.jobs},
                    {"failed", one.failed},
                    {"rank_hours", one.rank_hours},
                    {"classes", one.classes}});
  }
  return json;
}

ordered_json OrNull(const std::optional<double>& number) { return number ? ordered_json(*number) : ordered_json(); }

}  // namespace

std::string ToJson(const Insights& insights) {
  ordered_json json = {{"jobs", insights.jobs},
                       {"failed", insights.failed},
                       {"hours", insights.hours},
                       {"rank_hours", insights.rank_hours},
                       {"failures", FailuresJson(insights.classes, "class")}};
  for (const auto& [label, groups] : insights.groups) json["by_" + label] = FailuresJson(groups, label.c_str());
  json["mean_time_between_failures"] = {{"hours", OrNull(insights.hours_between_failures)},
                                        {"rank_hours", OrNull(insights.rank_hours_between_failures)}};
  json["oom_settings"] = ordered_json::array();
  for (const auto& one : insights.oom_settings) {
    json["oom_settings"].push_back({{"setting", one.name},
                                    {"value", one.value},
                                    {"jobs", one.jobs},
                                    {"ooms", one.ooms},
                                    {"other_jobs", one.other_jobs},
                                    {"other_ooms", one.other_ooms},
                                    {"chance", one.chance}});
  }
  json["inflection_points"] = ordered_json::array();
  for (const auto& turn : insights.turns) {
    json["inflection_points"].push_back(
        {{"from_step", turn.from_step}, {"to_step", turn.to_step}, {"class", turn.failure}, {"jobs", turn.jobs}});
  }
  json["effective_training_time_ratio"] = OrNull(insights.effective_training_time_ratio);
  return base::JsonText(json);
}

}  // namespace rankscope::diagnose
