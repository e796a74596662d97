#include <algorithm>

#include "base/counted.h"
#include "catalog/job_pause.h"
#include "catalog/job_state.h"
#include "model/time_text.h"

namespace rankscope::catalog {

bool JobState::IsBad(const std::string& end) { return !end.empty() && end != "exit 0" && end != "unknown"; }

bool JobState::ended() const {
  if (runs_.empty()) return is_imported();
  return std::all_of(runs_.begin(), runs_.end(), [](const auto& entry) { return entry.second.ended_at != 0; });
}

JobRow JobState::Row(base::TimeNs now, int64_t lost_after) const {
  JobRow row = row_;
  row.ranks_seen = RanksSeen();
  row.ranks_expected = RanksExpected();
  Condition condition = Judge(now, lost_after);
  row.state = std::move(condition.state);
  row.reason = std::move(condition.reason);
  if (row.state != "running") row.pause.reset();
  return row;
}

JobState::Condition JobState::Judge(base::TimeNs now, int64_t lost_after) const {
  if (!ended()) {
    bool heard = now - row_.last_heard <= lost_after || (row_.pause && MayBeSilent(*row_.pause, now));
    if (heard) return {"running", ""};
    return {"lost", "no word for " + model::FormatDuration(now - row_.last_heard)};
  }
  if (runs_.empty()) return {"imported", ""};
  auto bad_rank = first_bad_end_.find(row_.attempt);
  if (bad_rank != first_bad_end_.end()) return {"failed", bad_rank->second.reason};
  if (std::string bad_run = RunsEnd(); !bad_run.empty()) return {"failed", bad_run};
  bool known = std::none_of(runs_.begin(), runs_.end(), [](const auto& run) { return run.second.exit == "unknown"; });
  if (!known) return {AllRanksEndedWell() ? "finished" : "lost", "how the command ended is not known"};
  return {"finished", UnknownEnds()};
}

// How the runs that have ended badly did, empty where none has.
std::string JobState::RunsEnd() const {
  for (const auto& [name, run] : runs_) {
    if (IsBad(run.exit)) return "the command ended: " + run.exit;
  }
  return "";
}

int32_t JobState::RanksSeen() const {
  return static_cast<int32_t>(
      std::count_if(ranks_.begin(), ranks_.end(), [&](const auto& rank) { return rank.first.first == row_.attempt; }));
}

int32_t JobState::RanksExpected() const {
  if (row_.ranks_expected == 0) return RanksSeen();
  auto after_last = ranks_.upper_bound({row_.attempt, INT32_MAX});
  if (after_last == ranks_.begin() || std::prev(after_last)->first.first != row_.attempt) return row_.ranks_expected;
  return std::max(row_.ranks_expected, std::min(std::prev(after_last)->first.second, INT32_MAX - 1) + 1);
}

// The command ended well: what is not known of its ranks all the same.
std::string JobState::UnknownEnds() const {
  int32_t expected = RanksExpected(), unseen = expected - RanksSeen();
  auto has_no_end = [&](const auto& rank) { return rank.first.first == row_.attempt && rank.second.exit.empty(); };
  auto open = std::count_if(ranks_.begin(), ranks_.end(), has_no_end);
  std::string of_all = " of " + base::Counted(static_cast<uint64_t>(expected), "rank");
  if (unseen > 0) return "the command ended: exit 0; " + std::to_string(unseen) + of_all + " not seen";
  return open > 0 ? "the command ended: exit 0; how " + std::to_string(open) + of_all + " ended is not known" : "";
}

std::optional<JobLife> JobState::Life(base::TimeNs now, int64_t lost_after) const {
  bool of_files = std::all_of(runs_.begin(), runs_.end(), [](const auto& run) { return run.second.of_files; });
  if (of_files) return std::nullopt;
  Condition condition = Judge(now, lost_after);
  JobLife life{row_.job, condition.state, condition.reason, row_.ranks_expected, row_.last_step};
  life.last_heard = row_.last_heard;
  life.launched = launched();
  for (const auto& [name, run] : runs_) {
    if (ended()) life.ended = std::max(life.ended, run.ended_at);
  }
  return life;
}

base::TimeNs JobState::launched() const {
  base::TimeNs first = 0;
  for (const auto& [name, run] : runs_) {
    if (run.started_at != 0) first = first == 0 ? run.started_at : std::min(first, run.started_at);
  }
  return first == 0 ? row_.started : first;
}

bool JobState::AllRanksEndedWell() const {
  int32_t well = 0;
  for (const auto& [key, rank] : ranks_) {
    if (key.first != row_.attempt) continue;
    if (rank.exit != "exit 0") return false;
    ++well;
  }
  return well > 0 && well >= RanksExpected();
}

}  // namespace rankscope::catalog
