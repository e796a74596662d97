#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "diagnose/case/case.h"

namespace rankscope::diagnose {

// Calls `take` for each line that is a record without a message and has `key`, in their order: what agents and switches
// measure.
void EachSample(const Case& read, std::string_view key,
                const std::function<void(const nlohmann::json& sample, size_t line)>& take);

// A label, also where it is a whole number; empty: it has none.
std::string LabelIn(const nlohmann::json& sample, const char* key);
std::optional<double> NumberIn(const nlohmann::json& sample, const char* key);

// When it was measured, to the second: "2026-04-01T00:22:00Z".
std::string ShownSecond(base::TimeNs time);

}  // namespace rankscope::diagnose
