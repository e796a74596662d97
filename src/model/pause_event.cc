#include "model/pause_event.h"

#include <algorithm>
#include <array>

namespace rankscope::model {
namespace {

// Whatever else the server says of the action ("asked_again", say, or that some rank is late) ends nothing.
constexpr std::array<std::string_view, 5> kServersEnds = {"resumed", "given_up", "stopped", "ending", "refused"};
constexpr std::array<std::string_view, 4> kRanksEnds = {"left", "resumed", "ending", "ended"};

template <typename Words>
bool IsAmong(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

bool BeginsPause(const PauseEvent& event) {
  return !event.of_rank && event.action == "pause_job" && event.outcome == "held";
}

// A second pause is refused while the first one is on; a resume may be of a server that knows of no pause.
bool EndsPause(const PauseEvent& event, std::string_view action_id, base::TimeNs since) {
  if (event.of_rank) return event.time >= since && IsAmong(kRanksEnds, event.outcome);
  if (event.action == "resume_job") return event.outcome == "resumed";
  return event.action_id == action_id && IsAmong(kServersEnds, event.outcome);
}

}  // namespace rankscope::model
