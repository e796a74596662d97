#include "notify/alert_json.h"

#include <cstdio>

#include "base/coding.h"
#include "base/json_text.h"
#include "notify/message_text.h"
#include "notify/text.h"

namespace rankscope::notify {

nlohmann::json AlertLabels(const Update& update) {
  nlohmann::json labels = nlohmann::json::object();
  for (const auto& [name, value] : LabelsOf(update)) labels[name] = value;
  labels["incident"] = update.incident;
  return labels;
}

nlohmann::json AlertAnnotations(const Update& update) {
  nlohmann::json annotations = {{"summary", OneLine(update.title)}};
  std::string description;
  for (const std::string& line : update.text) description += (description.empty() ? "" : "\n") + line;
  if (!description.empty()) annotations["description"] = description;
  if (!update.ranks.empty()) annotations["ranks"] = update.ranks;
  if (update.step) annotations["step"] = std::to_string(*update.step);
  if (!update.evidence.empty()) annotations["evidence"] = OneLine(update.evidence);
  return annotations;
}

std::string Fingerprint(const Update& update) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(base::Checksum(update.incident)));
  return text;
}

std::string Dump(const nlohmann::json& json) { return base::JsonText(json); }

}  // namespace rankscope::notify
