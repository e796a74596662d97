#include "monitor/launch_attempts.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "catalog/job_state.h"
#include "model/event.h"

namespace rankscope::monitor {
namespace {

std::string TextOf(const model::Record& record, std::string_view name) {
  const auto* field = model::FindField(record.fields, name);
  const auto* text = field ? std::get_if<std::string>(field) : nullptr;
  return text ? *text : "";
}

}  // namespace

int32_t LaunchAttempts::Of(const model::Record& record) {
  const std::string event = record.stream == model::Stream::kEvent ? TextOf(record, "event") : "";
  if (event == "job_start") Start(record);
  if (event == "node_end") runs_[TextOf(record, "run")].ended = true;
  if (!model::IsJudgement(event)) last_word_ = record.time;
  const int32_t attempt = before_ + record.origin.attempt;
  highest_ = std::max(highest_, attempt);
  return attempt;
}

void LaunchAttempts::Start(const model::Record& record) {
  const std::string run = TextOf(record, "run");
  std::string member = TextOf(record, "member");
  if (member.empty()) member = run;
  if (runs_.contains(run)) return;  // told twice
  const bool silent = !runs_.empty() && record.time - last_word_ > catalog::JobState::kSilentLaunch;
  const bool again = std::erase_if(runs_, [&](const auto& entry) { return entry.second.member == member; }) > 0;
  // Its own run may have ended without a word.
  const bool ended = std::all_of(runs_.begin(), runs_.end(), [](const auto& entry) { return entry.second.ended; });
  if (silent || (again && ended)) {
    runs_.clear();
    before_ = record.origin.attempt > highest_ ? 0 : highest_ + 1;
    last_launch_ = before_ + record.origin.attempt;
  }
  runs_[run] = {std::move(member), false};
}

}  // namespace rankscope::monitor
