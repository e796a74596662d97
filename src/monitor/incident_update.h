#pragma once

#include <string>

#include "diagnose/incidents/incident.h"
#include "notify/update.h"

namespace rankscope::monitor {

// The incident as people are to hear of it: what, where, since which step, how sure, its first line and a link, in
// words that are made once for each version. Pure.
notify::Update UpdateOf(const diagnose::Incident& incident, const std::string& external_url);

}  // namespace rankscope::monitor
