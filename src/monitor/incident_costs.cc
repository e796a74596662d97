#include "monitor/incident_costs.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace rankscope::monitor {
namespace {

using diagnose::Incident;
using model::Filter;
using Function = model::Aggregate::Function;

constexpr size_t kMostAccounts = 10'000;
constexpr int64_t kLate = 120 * base::kNsPerSecond;      // after which records hardly come any more
constexpr int64_t kNearPast = 600 * base::kNsPerSecond;  // in which the furthest step most likely was told
constexpr int64_t kBaseline = 2'000, kBuckets = 2'000;   // steps
constexpr int64_t kWider = 100, kWidest = 20'000'000;    // where few of them are told

Filter StepsOf(const std::string& job, base::TimeNs since, base::TimeNs until, int64_t first_step) {
  std::vector<Filter> all;
  all.push_back(Filter::Text(Filter::Kind::kEquals, "job_id", job, /*case_sensitive=*/true));
  all.push_back(Filter::Not(Filter::Text(Filter::Kind::kEquals, "stream", "event", /*case_sensitive=*/true)));
  all.push_back(Filter::Time(since, until));
  all.push_back(Filter::Range("step", first_step, std::numeric_limits<long double>::infinity()));
  return Filter::And(std::move(all));
}

model::Scan ScanOf(const Incident& incident, Filter filter) {
  model::Scan scan;
  scan.project = incident.project;
  scan.filter = std::move(filter);
  return scan;
}

const int64_t* Integer(const model::Cell& cell) { return std::get_if<int64_t>(&cell); }

int64_t RanksOf(const Incident& incident) { return std::max<int64_t>({incident.world_size, incident.rank_count(), 1}); }

}  // namespace

base::Result<std::optional<double>> IncidentCosts::RankHours(const Incident& incident, base::TimeNs until) {
  ASSIGN_OR_RETURN(Account * account, AccountOf(incident, until));
  if (!account->before) return std::optional<double>();
  RETURN_IF_ERROR(ReadOn(incident, until, account));
  return std::optional(
      diagnose::RankHoursLost(*account->before, account->furthest, incident.started, until, RanksOf(incident)));
}

// A cause that is found later may have begun earlier. Of a storm of incidents without a pace the past is not read at
// every look: it does not change any more.
base::Result<IncidentCosts::Account*> IncidentCosts::AccountOf(const Incident& incident, base::TimeNs until) {
  auto known = accounts_.find(incident.id);
  bool same = known != accounts_.end() && known->second.started == incident.started;
  if (same && (known->second.before || until < known->second.seek_again)) return &known->second;
  ASSIGN_OR_RETURN(auto pace, PaceBefore(incident));
  if (accounts_.size() >= kMostAccounts) accounts_.clear();
  Account& account = accounts_[incident.id];
  base::TimeNs all_there = incident.started + kLate;
  account = {incident.started, pace, until < all_there ? all_there : INT64_MAX, pace ? pace->furthest : 0,
             incident.started};
  return &account;
}

// An end that lies before what was read has to be read by itself: steps were made since.
// REQUIRES that the account has a pace.
base::Status IncidentCosts::ReadOn(const Incident& incident, base::TimeNs until, Account* account) {
  if (until < account->read_until) {
    account->furthest = account->before->furthest;
    account->read_until = incident.started;
  }
  base::TimeNs since = std::max(incident.started, account->read_until - kLate);
  if (until <= since) return {};
  ASSIGN_OR_RETURN(auto furthest, FurthestStep(incident, since, until, account->furthest));
  account->furthest = furthest.value_or(account->furthest);
  account->read_until = until;
  return {};
}

// A step that is told beyond this one; nothing, if none is. Blocks of steps that are all smaller are not looked into.
base::Result<std::optional<int64_t>> IncidentCosts::FurthestStep(const Incident& incident, base::TimeNs since,
                                                                 base::TimeNs until, int64_t beyond) {
  model::Aggregation furthest{{}, {{Function::kMax, "step", 0, "furthest"}}};
  std::optional<int64_t> found;
  auto take = [&](const std::vector<model::Cell>& cells) {
    if (const int64_t* step = Integer(cells[0])) found = *step;
    return true;
  };
  if (beyond == INT64_MAX) return found;
  int64_t first = beyond == INT64_MIN ? beyond : beyond + 1;
  RETURN_IF_ERROR(Aggregate(ScanOf(incident, StepsOf(incident.job, since, until, first)), furthest, take));
  return found;
}

// Most likely it is among the last steps; where they are made a second time, it was long before.
base::Result<std::optional<int64_t>> IncidentCosts::FurthestBefore(const Incident& incident) {
  base::TimeNs near = incident.started - kNearPast;
  ASSIGN_OR_RETURN(auto last, FurthestStep(incident, near, incident.started, INT64_MIN));
  ASSIGN_OR_RETURN(auto before, FurthestStep(incident, INT64_MIN, near, last.value_or(INT64_MIN)));
  return before ? before : last;
}

base::Result<std::optional<diagnose::Pace>> IncidentCosts::PaceBefore(const Incident& incident) {
  ASSIGN_OR_RETURN(auto furthest, FurthestBefore(incident));
  if (!furthest) return std::optional<diagnose::Pace>();
  for (int64_t width = kBaseline;; width *= kWider) {
    model::Aggregation by_step{{{model::GroupKey::Kind::kStep, "", std::max<int64_t>(width / kBuckets, 1), "bucket"}},
                               {{Function::kMin, "step", 0, "step"}, {Function::kMin, "timestamp", 0, "time"}}};
    std::vector<diagnose::StepTime> steps;
    auto take = [&](const std::vector<model::Cell>& cells) {
      const int64_t* step = Integer(cells[1]);
      const auto* time = std::get_if<model::Time>(&cells[2]);
      if (step && time) steps.push_back({*step, time->ns});
      return true;
    };
    int64_t first = *furthest < width ? 0 : *furthest - width;
    RETURN_IF_ERROR(
        Aggregate(ScanOf(incident, StepsOf(incident.job, INT64_MIN, incident.started, first)), by_step, take));
    auto pace = diagnose::PaceOf(std::move(steps));
    if (pace) pace->furthest = *furthest;
    if (pace || first == 0 || width >= kWidest) return pace;
  }
}

base::Status IncidentCosts::Aggregate(const model::Scan& scan, const model::Aggregation& aggregation,
                                      const model::TakeCells& take) {
  RETURN_IF_ERROR(logs_->Aggregate(scan, aggregation, &budget_, take));
  bool stopped = budget_.met() != base::Budget::Limit::kNone;
  return stopped ? base::Status::Unavailable("the server is stopping") : base::Status();
}

}  // namespace rankscope::monitor
