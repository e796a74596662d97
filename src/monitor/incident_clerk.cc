#include "monitor/incident_clerk.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "base/clock.h"
#include "diagnose/incidents/cost.h"
#include "monitor/incident_evidence.h"

namespace rankscope::monitor {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(1);
constexpr int64_t kLookAfterEvery = 15;                   // looks
constexpr int64_t kPatience = 5 * base::kNsPerSecond;     // for the lines that follow
constexpr int64_t kMostAtOnce = 20, kMostReckoned = 100;  // incidents a look
constexpr uint64_t kMostSteps = 20'000;                   // records, before an incident as well as in it
constexpr double kLeastChange = 0.001;                    // rank-hours that are worth telling

model::Filter OfSteps(const std::string& job) {
  std::vector<model::Filter> all;
  all.push_back(model::Filter::Text(model::Filter::Kind::kEquals, "job_id", job, /*case_sensitive=*/true));
  all.push_back(model::Filter::Exists("step"));
  all.push_back(model::Filter::Not(
      model::Filter::Text(model::Filter::Kind::kEquals, "stream", "event", /*case_sensitive=*/true)));
  return model::Filter::And(std::move(all));
}

base::Status ReadSteps(store::Store* store, const diagnose::Incident& incident, bool before,
                       std::vector<diagnose::StepTime>* steps) {
  model::Scan scan;
  scan.project = incident.project;
  scan.filter = model::Filter::And({OfSteps(incident.job), before ? model::Filter::Time(INT64_MIN, incident.started)
                                                                  : model::Filter::Time(incident.started, INT64_MAX)});
  scan.newest_first = before;
  scan.limit = kMostSteps;
  scan.fields = {"timestamp", "step"};
  base::Budget budget;
  return store->Read(scan, &budget, [&](const model::Record& record) {
    if (record.step) steps->push_back({*record.step, record.time});
    return true;
  });
}

}  // namespace

IncidentClerk::IncidentClerk(Parts parts) : parts_(std::move(parts)), thread_([this] { Loop(); }) {}

IncidentClerk::~IncidentClerk() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void IncidentClerk::Loop() {
  std::unique_lock lock(mutex_);
  for (int64_t looks = 0; !stopping_; ++looks) {
    lock.unlock();
    CopyEvidence();
    if (looks % kLookAfterEvery == 0) LookAfterAll();
    lock.lock();
    wake_.wait_for(lock, kLookEvery, [this] { return stopping_; });
  }
}

// What cannot be read or written now is tried again: the records are there as long as retention lets them be.
void IncidentClerk::CopyEvidence() {
  auto rows = parts_.incidents->WithoutEvidence(kMostAtOnce);
  if (!rows.ok()) return;
  int64_t now = base::MonotonicNow();
  std::map<std::string, int64_t> seen;
  for (const catalog::IncidentRow& row : *rows) {
    auto known = seen_.find(row.id);
    seen[row.id] = known == seen_.end() ? now : known->second;
    if (now - seen[row.id] < kPatience) continue;
    auto incident = diagnose::IncidentFromJson(row.json);
    auto around = incident.ok() ? AroundJson(parts_.store, *incident) : base::Result<std::string>("{}");
    if (around.ok()) (void)parts_.incidents->SaveEvidence(row.id, row.job, *around).ok();
  }
  seen_ = std::move(seen);
}

// Those that go on, and those that were resolved since the last time.
void IncidentClerk::LookAfterAll() {
  catalog::IncidentFilter open, resolved;
  open.open = true;
  open.limit = kMostReckoned;
  resolved.open = false;
  resolved.limit = kMostReckoned;
  resolved.changed_after = std::max<uint64_t>(reckoned_, 1);
  uint64_t last_change = parts_.incidents->last_change();
  for (const catalog::IncidentFilter& filter : {open, resolved}) {
    auto rows = parts_.incidents->List(filter);
    if (!rows.ok()) return;
    for (const catalog::IncidentRow& row : *rows) {
      auto incident = diagnose::IncidentFromJson(row.json);
      if (incident.ok() && incident->superseded_by.empty()) LookAfter(*incident);
    }
  }
  reckoned_ = last_change;
}

void IncidentClerk::LookAfter(const diagnose::Incident& incident) {
  JobLife life = parts_.life(incident.job);
  auto hours = RankHours(incident, incident.ended != 0 ? incident.ended : life.until);
  if (hours.ok() && std::abs(*hours - incident.cost.rank_hours) >= kLeastChange) {
    diagnose::IncidentCost cost{*hours, {}};
    if (parts_.gpu_hour_price) cost.money = *hours * *parts_.gpu_hour_price;
    parts_.detection->SetCost(incident.job, incident.id, cost);
  }
  if (!life.over || !incident.open()) return;
  (void)parts_.detection->Say(incident.id, {IncidentWord::Act::kResolve, "", "the job is over", 0}).ok();
}

base::Result<double> IncidentClerk::RankHours(const diagnose::Incident& incident, base::TimeNs until) const {
  if (incident.severity == detect::Severity::kInfo) return 0;
  std::vector<diagnose::StepTime> steps;
  RETURN_IF_ERROR(ReadSteps(parts_.store, incident, /*before=*/true, &steps));
  std::reverse(steps.begin(), steps.end());
  RETURN_IF_ERROR(ReadSteps(parts_.store, incident, /*before=*/false, &steps));
  int64_t ranks = std::max<int64_t>({incident.world_size, incident.rank_count(), 1});
  return diagnose::RankHoursLost(steps, incident.started, until, ranks).value_or(incident.cost.rank_hours);
}

}  // namespace rankscope::monitor
