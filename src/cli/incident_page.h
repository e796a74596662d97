#pragma once

#include <nlohmann/json.hpp>

namespace rankscope::cli {

// An incident (its JSON form) for people, to stdout: one line with what people said of it below, as a list has it.
void PrintIncidentLine(const nlohmann::ordered_json& incident);

// All of it, with what was around it.
void PrintIncidentPage(const nlohmann::ordered_json& incident);

}  // namespace rankscope::cli
