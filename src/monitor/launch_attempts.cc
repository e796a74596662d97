#include "monitor/launch_attempts.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace rankscope::monitor {
namespace {

std::string TextOf(const model::Record& record, std::string_view name) {
  const auto* field = model::FindField(record.fields, name);
  const auto* text = field ? std::get_if<std::string>(field) : nullptr;
  return text ? *text : "";
}

}  // namespace

int32_t LaunchAttempts::Of(const model::Record& record) {
  if (record.stream == model::Stream::kEvent) {
    const std::string event = TextOf(record, "event");
    if (event == "job_start") Start(TextOf(record, "run"), TextOf(record, "member"));
    if (event == "node_end") runs_[TextOf(record, "run")].ended = true;
  }
  const int32_t attempt = before_ + record.origin.attempt;
  highest_ = std::max(highest_, attempt);
  return attempt;
}

void LaunchAttempts::Start(const std::string& run, std::string member) {
  if (member.empty()) member = run;
  bool all_ended = std::all_of(runs_.begin(), runs_.end(), [](const auto& entry) { return entry.second.ended; });
  bool again = std::erase_if(runs_, [&](const auto& entry) { return entry.second.member == member; }) > 0;
  if (again && all_ended) {
    runs_.clear();
    before_ = highest_ + 1;
  }
  runs_[run] = {std::move(member), false};
}

}  // namespace rankscope::monitor
