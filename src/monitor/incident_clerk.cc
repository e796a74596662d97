#include "monitor/incident_clerk.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "base/clock.h"
#include "monitor/incident_evidence.h"

namespace rankscope::monitor {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(1);
constexpr int64_t kPatience = 5 * base::kNsPerSecond;  // for the lines that follow
constexpr int64_t kLongestTurn = base::kNsPerSecond / 3;
constexpr int64_t kMostCopied = 100, kPage = 20;  // incidents
constexpr uint64_t kMostReckonedAgain = 1'000;
constexpr size_t kMostOwed = 1'000;
constexpr double kLeastChange = 0.001;  // rank-hours that are worth telling

// Of those that do not go on: how many changes may not have been reckoned before a crash.
uint64_t SomeBefore(uint64_t change) { return change > kMostReckonedAgain ? change - kMostReckonedAgain : 1; }

}  // namespace

IncidentClerk::IncidentClerk(Parts parts)
    : parts_(std::move(parts)),
      costs_(parts_.logs),
      reckoned_(SomeBefore(parts_.incidents->last_change())),
      thread_([this] { Loop(); }) {}

IncidentClerk::~IncidentClerk() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  costs_.Stop();
  wake_.notify_all();
  thread_.join();
}

// What it does can wait: where processors are scarce, those who judge and tell come first.
void IncidentClerk::Loop() {
  constexpr int kNicer = 5;
  (void)!nice(kNicer);  // of this thread, on Linux
  while (!stopping_) {
    CopyEvidence();
    WalkOn();
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kLookEvery, [this] { return stopping_.load(); });
  }
}

// What cannot be read or written now is tried again: the records are there as long as retention lets them be.
void IncidentClerk::CopyEvidence() {
  auto rows = parts_.incidents->WithoutEvidence(kMostCopied);
  if (!rows.ok()) return;
  int64_t now = base::MonotonicNow();
  std::map<std::string, int64_t> seen;
  for (const catalog::IncidentRow& row : *rows) {
    if (stopping_) return;
    auto known = seen_.find(row.id);
    seen[row.id] = known == seen_.end() ? now : known->second;
    if (now - seen[row.id] < kPatience) continue;
    auto incident = diagnose::IncidentFromJson(row.json);
    auto around = incident.ok() ? AroundJson(parts_.store, *incident) : base::Result<std::string>("{}");
    if (around.ok()) (void)parts_.incidents->SaveEvidence(row.id, row.job, *around).ok();
  }
  seen_ = std::move(seen);
}

// A short way each time: who has just been opened waits for a copy meanwhile.
void IncidentClerk::WalkOn() {
  int64_t now = base::MonotonicNow();
  if (walk_.over && walk_.began != 0 && now - walk_.began < parts_.walk_every_ns) return;
  if (walk_.over) {
    walk_ = {now, false, false, 0, parts_.incidents->last_change()};
    RetryOwed(now);
  }
  while (!walk_.over && IsTime(now)) {
    auto rows = parts_.incidents->List(PageAhead());
    if (!rows.ok()) return;
    for (const catalog::IncidentRow& row : *rows) {
      if (!IsTime(now)) return;
      // The next walk comes to those that go on whatever happens, but to the others only where they are owed.
      if (!LookAfter(row).ok() && walk_.closed) Owe(row.id);
      walk_.before = row.place;
    }
    if (!rows->empty()) continue;
    walk_.over = walk_.closed;
    walk_.closed = true;
    walk_.before = 0;
  }
  if (walk_.over) reckoned_ = walk_.change;
}

bool IncidentClerk::IsTime(int64_t turn_began) const {
  return !stopping_ && base::MonotonicNow() - turn_began < kLongestTurn;
}

void IncidentClerk::Owe(const std::string& id) {
  if (std::find(owed_.begin(), owed_.end(), id) != owed_.end()) return;
  if (owed_.size() >= kMostOwed) owed_.pop_front();
  owed_.push_back(id);
}

// One that never can be reckoned holds up nobody: it is the last of the next walk's.
void IncidentClerk::RetryOwed(int64_t turn_began) {
  for (size_t left = owed_.size(); left > 0 && IsTime(turn_began); --left) {
    std::string id = std::move(owed_.front());
    owed_.pop_front();
    auto row = parts_.incidents->Get(id);
    bool gone = row.status().code() == base::Code::kNotFound;
    if (!gone && (!row.ok() || !LookAfter(*row).ok())) owed_.push_back(id);
  }
}

catalog::IncidentFilter IncidentClerk::PageAhead() const {
  catalog::IncidentFilter page;
  page.open = !walk_.closed;
  if (walk_.closed) page.changed_after = reckoned_;
  page.before = walk_.before;
  page.limit = kPage;
  return page;
}

// The error is of what may be read later. One that cannot be understood never will be.
base::Status IncidentClerk::LookAfter(const catalog::IncidentRow& row) {
  auto incident = diagnose::IncidentFromJson(row.json);
  if (!incident.ok()) return {};
  if (!incident->superseded_by.empty()) {
    costs_.Forget(incident->id);
    return {};
  }
  JobLife life = parts_.life(incident->job);
  // Whoever reads an old log learns long after the job's last word that its incidents are over.
  const base::TimeNs ended = incident->ended == 0 ? life.until : std::min(incident->ended, life.until);
  base::Status status = Reckon(*incident, ended);
  if (!incident->open()) costs_.Forget(incident->id);
  if (!incident->open() || !life.over || stopping_) return status;
  (void)parts_.detection->Say(incident->id, {IncidentWord::Act::kResolve, "", "the job is over", 0}).ok();
  return status;
}

base::Status IncidentClerk::Reckon(const diagnose::Incident& incident, base::TimeNs until) {
  bool is_note = incident.severity == detect::Severity::kInfo;
  auto hours = is_note ? base::Result<std::optional<double>>(0.0) : costs_.RankHours(incident, until);
  bool news = hours.ok() && *hours && std::abs(**hours - incident.cost.rank_hours) >= kLeastChange;
  if (!news) return hours.status();
  diagnose::IncidentCost cost{**hours, {}};
  if (parts_.gpu_hour_price) cost.money = **hours * *parts_.gpu_hour_price;
  parts_.detection->SetCost(incident.job, incident.id, cost);
  return {};
}

}  // namespace rankscope::monitor
