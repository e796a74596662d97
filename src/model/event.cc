#include "model/event.h"

#include <algorithm>
#include <array>
#include <utility>

namespace rankscope::model {

Record MakeEvent(std::string_view name, base::TimeNs time, std::string text) {
  Record event;
  event.stream = Stream::kEvent;
  event.time = time;
  event.text = std::move(text);
  event.fields.emplace_back("event", std::string(name));
  return event;
}

bool IsJudgement(std::string_view event_name) {
  static constexpr std::array<std::string_view, 9> kNames = {
      "detector_rule", "detector_finding",  "detector_rule_refused",
      "finding",       "finding_confirmed", "finding_dismissed",
      "incident",      "diagnosis",         "action"};
  return std::find(kNames.begin(), kNames.end(), event_name) != kNames.end();
}

}  // namespace rankscope::model
