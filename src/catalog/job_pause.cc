#include "catalog/job_pause.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "model/action.h"
#include "model/pause_event.h"

namespace rankscope::catalog {
namespace {

using Json = nlohmann::json;

// Beyond its limit, until the ranks have gone on and are heard of.
constexpr int64_t kGraceNs = 60 * base::kNsPerSecond;

std::string Text(const model::Record& record, std::string_view name) {
  const model::FieldValue* value = model::FindField(record.fields, name);
  const auto* text = value ? std::get_if<std::string>(value) : nullptr;
  return text ? *text : "";
}

int64_t Integer(const model::Record& record, std::string_view name) {
  const model::FieldValue* value = model::FindField(record.fields, name);
  const auto* number = value ? std::get_if<int64_t>(value) : nullptr;
  return number ? *number : 0;
}

}  // namespace

void FollowPause(const model::Record& action, std::optional<Pause>* pause) {
  std::string name = Text(action, "action"), id = Text(action, "action_id"), outcome = Text(action, "outcome");
  model::PauseEvent said{name, id, outcome, action.origin.rank.has_value(), action.time};
  if (model::BeginsPause(said)) {
    *pause = Pause{action.time,        action.step,          Integer(action, "limit_s"),
                   Text(action, "by"), Text(action, "note"), std::move(id)};
  } else if (*pause && model::EndsPause(said, (*pause)->action, (*pause)->since)) {
    pause->reset();
  }
}

bool MayBeSilent(const Pause& pause, base::TimeNs now) {
  int64_t limit_s = std::clamp<int64_t>(pause.limit_s, 0, model::kLongestHoldS);  // what was said may be any number
  return now - pause.since <= limit_s * base::kNsPerSecond + kGraceNs;
}

std::string ToJson(const Pause& pause) {
  Json json = {{"since", pause.since},
               {"limit_s", pause.limit_s},
               {"by", pause.by},
               {"note", pause.note},
               {"action", pause.action}};
  if (pause.step) json["step"] = *pause.step;
  return base::JsonText(json);
}

std::optional<Pause> PauseFromJson(const std::string& text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  Pause pause{json.value("since", int64_t{0}),
              {},
              json.value("limit_s", int64_t{0}),
              json.value("by", ""),
              json.value("note", ""),
              json.value("action", "")};
  if (json.contains("step")) pause.step = json.value("step", int64_t{0});
  return pause;
}

}  // namespace rankscope::catalog
