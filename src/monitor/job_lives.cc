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
      parts_.project,      notifier.config()->external_url, now, opened_, std::max(notifier->began(), now - kOldNews),
      parts_.lost_after_ns};
  std::vector<catalog::JobLife> lives = parts_.catalog->Lives(now, parts_.lost_after_ns, now - 2 * kOldNews);
  ForgetOthers(lives);
  std::vector<notify::Update> updates;
  std::vector<std::pair<LifeTold*, LifeTold>> taken;
  for (const catalog::JobLife& life : lives) {
    ASSIGN_OR_RETURN(LifeTold * told, ToldOf(life, *notifier));
    auto update = LifeUpdate(life, *told, context);
    if (!update) continue;
    taken.emplace_back(told, LifeTold{update->version, life.ended});
    updates.push_back(*std::move(update));
  }
  auto orphans = Orphans(*notifier, now);
  std::move(orphans.begin(), orphans.end(), std::back_inserter(updates));
  if (updates.empty()) return {};
  RETURN_IF_ERROR(notifier->Take(updates));
  for (const auto& [told, is] : taken) *told = is;
  return {};
}

base::Result<LifeTold*> JobLives::ToldOf(const catalog::JobLife& life, const notify::Notifier& notifier) {
  auto found = told_.find(life.job);
  if (found != told_.end()) return &found->second;
  ASSIGN_OR_RETURN(uint64_t version, notifier.VersionOf(LifeId(parts_.project, life.job)));
  return &(told_[life.job] = {version, life.ended});
}

void JobLives::ForgetOthers(const std::vector<catalog::JobLife>& lives) {
  std::set<std::string_view> jobs;
  for (const catalog::JobLife& life : lives) jobs.insert(life.job);
  std::erase_if(told_, [&](const auto& entry) { return jobs.count(entry.first) == 0; });
}

// Stalled jobs that are told of, and that the catalog has no more.
std::vector<notify::Update> JobLives::Orphans(const notify::Notifier& notifier, base::TimeNs now) const {
  std::vector<notify::Update> ends;
  for (const auto& update : notifier.Open(parts_.project)) {
    if (!IsLifeId(update->incident) || told_.count(update->job) > 0) continue;
    auto job = parts_.catalog->Job(update->job, now, parts_.lost_after_ns);
    if (job.status().code() == base::Code::kNotFound) ends.push_back(LifeForgotten(*update, now));
  }
  return ends;
}

}  // namespace rankscope::monitor
