#include "catalog/launches.h"

#include <algorithm>

namespace rankscope::catalog {
namespace {

std::string JobOf(const std::string& key, int launch) { return launch == 1 ? key : key + "." + std::to_string(launch); }

// What is known of one member of a launch.
struct Presence {
  base::TimeNs joined_at = 0, ended_at = 0;
  bool running = false;
};

std::map<std::string, Presence> PresenceOf(const std::map<std::string, base::TimeNs>& joined, const JobState* state) {
  std::map<std::string, Presence> members;
  for (const auto& [member, time] : joined) members[member].joined_at = time;
  if (!state) return members;
  for (const auto& [name, run] : state->runs()) {
    Presence& member = members[run.member];
    member.running = member.running || run.ended_at == 0;
    member.ended_at = std::max(member.ended_at, run.ended_at);
  }
  return members;
}

bool IsOver(const JobState& state, base::TimeNs now, int64_t lost_after) {
  return state.ended() || now - state.last_heard() > lost_after;
}

}  // namespace

std::string Launches::Join(const std::string& key, const std::string& member, base::TimeNs now, int64_t lost_after,
                           const FindJob& find) {
  Forget(now - kLateness);
  int newest = 1;
  while (IsKnown(JobOf(key, newest + 1), find)) ++newest;
  std::string job = JobOf(key, newest);
  if (IsKnown(job, find) && !BelongsTo(job, member, now, lost_after, find(job))) job = JobOf(key, newest + 1);
  joined_[job][member] = now;
  return job;
}

int32_t Launches::FirstAttempt(const std::string& job, const std::string& member, base::TimeNs now, int64_t lost_after,
                               const FindJob& find) {
  Forget(now - kLateness);
  const JobState* state = find(job);
  int32_t& first = first_attempt_[job];
  if (state) first = std::max(first, state->first_attempt());
  if (state && IsOver(*state, now, lost_after) && !BelongsTo(job, member, now, lost_after, state)) {
    first = std::max(first, state->last_attempt()) + 1;
    joined_[job].clear();
  }
  joined_[job][member] = now;
  return first;
}

void Launches::ForgetJob(const std::string& job) {
  joined_.erase(job);
  first_attempt_.erase(job);
}

bool Launches::IsKnown(const std::string& job, const FindJob& find) const { return joined_.contains(job) || find(job); }

bool Launches::BelongsTo(const std::string& job, const std::string& member, base::TimeNs now, int64_t lost_after,
                         const JobState* state) const {
  auto found = joined_.find(job);
  auto members = PresenceOf(found == joined_.end() ? Members() : found->second, state);
  base::TimeNs began = state ? state->launched() : now;
  bool heard = state && now - state->last_heard() <= lost_after;
  for (const auto& [name, other] : members) {
    if (other.joined_at != 0) began = std::min(began, other.joined_at);
    bool coming = other.joined_at > other.ended_at && !other.running && now - other.joined_at <= lost_after;
    if (name != member && (coming || (other.running && heard))) return true;
  }
  return !members.contains(member) && now - began <= kLateness;
}

void Launches::Forget(base::TimeNs before) {
  for (auto job = joined_.begin(); job != joined_.end();) {
    std::erase_if(job->second, [&](const auto& entry) { return entry.second < before; });
    job = job->second.empty() ? joined_.erase(job) : std::next(job);
  }
  std::erase_if(first_attempt_, [this](const auto& entry) { return !joined_.contains(entry.first); });
}

}  // namespace rankscope::catalog
