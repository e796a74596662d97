#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

namespace rankscope::cli {

// The job, ranks and step of an incident (its JSON form).
std::string IncidentPlace(const nlohmann::ordered_json& incident);

// One line for people, to stdout, with what people said of it below, as a list has it. `place_width`: of the list's
// column of places.
void PrintIncidentLine(const nlohmann::ordered_json& incident, size_t place_width);

// All of it, with what was around it.
void PrintIncidentPage(const nlohmann::ordered_json& incident);

}  // namespace rankscope::cli
