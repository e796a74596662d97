#include "monitor/job_lives.h"

#include <algorithm>
#include <set>

namespace rankscope::monitor {
namespace {

constexpr int64_t kOldNews = 24 * 3600 * base::kNsPerSecond;

}  // namespace

base::Status JobLives::Look(base::TimeNs now) {
  auto notifier = parts_.notifier->Get();
  if (!notifier) return base::Status::Unavailable("nobody can be told now: the delivery log is not open");
  LifeContext context{
      parts_.project,       notifier.config()->external_url, now, opened_, std::max(notifier->began(), now - kOldNews),
      parts_.lost_after_ns, parts_.verdict != nullptr};
  std::vector<catalog::JobLife> lives = parts_.catalog->Lives(now, parts_.lost_after_ns, now - 2 * kOldNews);
  ForgetOthers(lives);
  std::vector<notify::Update> updates;
  std::vector<std::pair<Known*, Known>> taken;
  for (const catalog::JobLife& life : lives) {
    ASSIGN_OR_RETURN(Known * known, KnownOf(life, *notifier));
    auto verdict = VerdictOf(life, now, known);
    auto update = LifeUpdate(life, known->told, verdict ? &*verdict : nullptr, context);
    Known then = *known;
    if (verdict && verdict->settled) then.settled = life.last_heard;
    if (update) then.told = {update->version, life.ended, update->title, known->told.waits_since};
    taken.emplace_back(known, std::move(then));
    if (update) updates.push_back(*std::move(update));
  }
  auto orphans = Orphans(*notifier, now);
  std::move(orphans.begin(), orphans.end(), std::back_inserter(updates));
  if (!updates.empty()) RETURN_IF_ERROR(notifier->Take(updates));
  for (auto& [known, is] : taken) *known = std::move(is);
  return {};
}

base::Result<JobLives::Known*> JobLives::KnownOf(const catalog::JobLife& life, const notify::Notifier& notifier) {
  auto found = known_.find(life.job);
  if (found != known_.end()) return &found->second;
  std::string id = LifeId(parts_.project, life.job);
  Known known;
  ASSIGN_OR_RETURN(known.told.version, notifier.VersionOf(id));
  known.told.ended = life.ended;
  notify::TellingFilter last;
  last.incident = id;
  last.limit = 1;
  ASSIGN_OR_RETURN(auto tellings, notifier.Tellings(last));
  if (!tellings.empty()) known.told.title = tellings.front().title;
  return &(known_[life.job] = std::move(known));
}

// Of a failure, until the settled one is told.
std::optional<LifeVerdict> JobLives::VerdictOf(const catalog::JobLife& life, base::TimeNs now, Known* known) const {
  bool failed = life.ended != 0 ? life.state != "finished" : now - life.last_heard > kGivenUpAfter;
  if (!failed || !parts_.verdict) return std::nullopt;
  if (known->told.waits_since == 0 || known->launched != life.launched) {
    known->told.waits_since = now;
    known->launched = life.launched;
  }
  return known->settled == life.last_heard ? std::nullopt : parts_.verdict(life);
}

void JobLives::ForgetOthers(const std::vector<catalog::JobLife>& lives) {
  std::set<std::string_view> jobs;
  for (const catalog::JobLife& life : lives) jobs.insert(life.job);
  std::erase_if(known_, [&](const auto& entry) { return jobs.count(entry.first) == 0; });
}

// Stalled jobs that are told of, and that the catalog has no more.
std::vector<notify::Update> JobLives::Orphans(const notify::Notifier& notifier, base::TimeNs now) const {
  std::vector<notify::Update> ends;
  for (const auto& update : notifier.Open(parts_.project)) {
    if (!IsLifeId(update->incident) || known_.count(update->job) > 0) continue;
    auto job = parts_.catalog->Job(update->job, now, parts_.lost_after_ns);
    if (job.status().code() == base::Code::kNotFound) ends.push_back(LifeForgotten(*update, now));
  }
  return ends;
}

}  // namespace rankscope::monitor
