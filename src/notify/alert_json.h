#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "notify/message.h"

namespace rankscope::notify {

// An incident as Alertmanager's JSON has an alert.

nlohmann::json AlertLabels(const Update& update);
// summary, description, and ranks, step, evidence where they are known.
nlohmann::json AlertAnnotations(const Update& update);
// 16 hexadecimal digits that are the same for the same incident.
std::string Fingerprint(const Update& update);
// The bytes; what is no UTF-8 becomes U+FFFD.
std::string Dump(const nlohmann::json& json);

}  // namespace rankscope::notify
