#include "cli/job_pause.h"

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "cli/time_argument.h"

namespace rankscope::cli {
namespace {

template <typename Json>
std::string TextOf(const Json& job) {
  auto found = job.find("paused");
  if (found == job.end() || !found->is_object()) return "";
  const Json& pause = *found;
  std::string note = pause.value("note", ""), by = pause.value("by", "");
  auto since = ParseTimeArgument(pause.value("since", ""), 0);
  std::string text = "paused";
  if (since.ok()) text += " " + FormatAge(base::WallNow() - *since);
  if (pause.contains("step") && pause["step"].is_number()) text += " at step " + pause["step"].dump();
  if (!by.empty()) text += " by " + by;
  if (!note.empty()) text += ": " + note;
  return text + " (" + std::to_string(pause.value("limit_s", int64_t{0})) + " s at most)";
}

}  // namespace

std::string PauseText(const nlohmann::json& job) { return TextOf(job); }
std::string PauseText(const nlohmann::ordered_json& job) { return TextOf(job); }

}  // namespace rankscope::cli
