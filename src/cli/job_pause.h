#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace rankscope::cli {

// "paused 3 min ago at step 42 by ann: the loss is odd (300 s at most)"; empty: the job, as the server gives it, is
// not.
std::string PauseText(const nlohmann::json& job);
std::string PauseText(const nlohmann::ordered_json& job);

}  // namespace rankscope::cli
