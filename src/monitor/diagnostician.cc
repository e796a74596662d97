#include "monitor/diagnostician.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/clock.h"
#include "monitor/diagnosis_event.h"

namespace rankscope::monitor {
namespace {

using diagnose::Incident;
using diagnose::JobFacts;

constexpr auto kLookEvery = std::chrono::seconds(1);
constexpr int64_t kRenewAfter = 60 * base::kNsPerSecond;
constexpr int64_t kRenewAfterSteps = 10;
// After the first look: once what was half said, such as a traceback, has come, and once it shows what followed.
constexpr int kRenewals = 2;
constexpr int64_t kLongestRound = base::kNsPerSecond;
// At one job whose last words still come; and so many times as long as the last one took.
constexpr int64_t kBetweenLooks = 5 * base::kNsPerSecond, kLooksShare = 10;

// After a look that took so long.
int64_t NextLook(int64_t took) { return base::MonotonicNow() + std::max(kBetweenLooks, kLooksShare * took); }

// Another text: something came since, be it of a node whose clock is behind.
std::string SeenAs(const catalog::JobRow& job, const std::string& incidents) {
  return job.state + " " + std::to_string(job.attempt) + " " + std::to_string(job.last_heard) + " " +
         std::to_string(job.records) + incidents;
}

bool WantsDiagnosis(const Incident& incident) {
  bool grave =
      incident.severity == detect::Severity::kCritical || incident.state == diagnose::IncidentState::kConfirmed;
  return grave && incident.open();
}

// Its records may not tell why; that it failed is known all the same.
void SayThatItFailed(const catalog::JobRow& job, diagnose::Verdict* verdict) {
  if (job.state != "failed" || !verdict->healthy) return;
  verdict->healthy = false;
  verdict->failure = diagnose::kUnknownFailure;
  verdict->confidence = 0;
  verdict->summary = "it failed (" + job.reason + "), and nothing in its records tells why";
  verdict->would_settle = {"what it printed to where the server does not see it"};
}

bool IsTurn(const std::string& finding_class) {
  static constexpr std::array<std::string_view, 4> kTurns = {"throughput_drop", "throughput_decay", "step_time_jitter",
                                                             "loss_spike"};
  return std::find(kTurns.begin(), kTurns.end(), finding_class) != kTurns.end();
}

std::vector<diagnose::Inflection> TurnsOf(const std::vector<catalog::FindingRow>& findings) {
  std::vector<diagnose::Inflection> turns;
  for (const catalog::FindingRow& row : findings) {
    if (!IsTurn(row.finding_class) || row.decision.state == "dismissed") continue;
    auto json = nlohmann::json::parse(row.json, nullptr, /*allow_exceptions=*/false);
    auto step = json.is_object() ? json.find("step") : json.end();
    if (step == json.end() || !step->is_number_integer()) continue;
    turns.push_back({step->get<int64_t>(), row.finding_class});
  }
  std::sort(turns.begin(), turns.end(), [](const auto& a, const auto& b) { return a.step < b.step; });
  return turns;
}

// A job may end by itself with a loss that is NaN, or having been slow.
bool IsIll(const std::vector<catalog::IncidentRow>& incidents) {
  return std::any_of(incidents.begin(), incidents.end(), [](const auto& row) {
    return row.decision != "dismissed" && (row.severity != "INFO" || row.decision == "confirmed");
  });
}

// The id of the gravest, of several the first; empty: there is none.
std::string GravestOf(const std::vector<catalog::IncidentRow>& newest_first) {
  auto grade = [](const catalog::IncidentRow& row) {
    return detect::ParseSeverity(row.severity).value_or(detect::Severity::kInfo);
  };
  const catalog::IncidentRow* gravest = nullptr;
  for (const catalog::IncidentRow& row : newest_first) {
    bool counts = row.superseded_by.empty() && row.decision != "dismissed";
    if (counts && (!gravest || grade(row) >= grade(*gravest))) gravest = &row;
  }
  return gravest ? gravest->id : "";
}

}  // namespace

// What was asked for before the server ended is asked for again.
void Diagnostician::Start() {
  catalog::IncidentFilter open;
  open.open = true;
  if (auto rows = parts_.findings->incidents()->List(open); rows.ok()) {
    std::lock_guard lock(mutex_);
    for (const catalog::IncidentRow& row : *rows) {
      bool grave = row.severity == "CRITICAL" || row.decision == "confirmed";
      if (grave) requests_[row.job] = {"incident " + row.id, 0, {}, 0};
    }
  }
  thread_ = std::thread([this] { Loop(); });
}

void Diagnostician::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  Complain(ledger_.Close());
}

void Diagnostician::Complain(const base::Status& status) {
  if (!status.ok()) parts_.say("project " + parts_.project + ": " + status.message());
}

base::Status Diagnostician::Take(std::span<const Incident> incidents) {
  std::lock_guard lock(mutex_);
  for (const Incident& incident : incidents) {
    news_.insert(incident.job);
    if (!WantsDiagnosis(incident)) continue;
    // Its next versions, seconds later, say no more than the renewal will find.
    requests_.try_emplace(incident.job, Request{"incident " + incident.id, 0, {}, 0});
  }
  wake_.notify_all();
  return {};
}

void Diagnostician::Loop() {
  Complain(ledger_.Open());
  while (!stopped_) {
    if (LookAround()) continue;
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kLookEvery, [&] { return stopped_.load(); });
  }
}

bool Diagnostician::IsAskedFor() {
  std::lock_guard lock(mutex_);
  const int64_t now = base::MonotonicNow();
  return std::any_of(requests_.begin(), requests_.end(), [&](const auto& entry) { return entry.second.due <= now; });
}

bool Diagnostician::LookAround() {
  const int64_t began = base::MonotonicNow();
  auto jobs = parts_.catalog->Jobs(base::WallNow(), parts_.lost_after_ns);
  if (!jobs.ok()) {
    parts_.say("project " + parts_.project + ": no job can be diagnosed: " + jobs.status().message());
    return false;
  }
  for (const catalog::JobRow& job : *jobs) {
    if (stopped_) return false;
    job.state == "running" ? LookAtRunning(job) : DropRequest(job.job);
  }
  // Who is asked for by an incident does not wait for all that ever ended.
  for (const catalog::JobRow& job : *jobs) {
    if (stopped_) return false;
    bool read = job.state != "running" && LookAtEnded(job);
    if (read && (IsAskedFor() || base::MonotonicNow() - began > kLongestRound)) return true;
  }
  if (seen_.size() > jobs->size()) ForgetGoneJobs(*jobs);
  return false;
}

void Diagnostician::ForgetGoneJobs(const std::vector<catalog::JobRow>& jobs) {
  std::set<std::string> names;
  for (const catalog::JobRow& job : jobs) names.insert(job.job);
  std::erase_if(seen_, [&](const auto& entry) { return names.count(entry.first) == 0; });
  std::lock_guard lock(mutex_);
  std::erase_if(news_, [&](const std::string& job) { return names.count(job) == 0; });
}

std::vector<catalog::IncidentRow> Diagnostician::IncidentsOf(const std::string& job) {
  catalog::IncidentFilter of_job;
  of_job.job = job;
  auto incidents = parts_.findings->incidents()->List(of_job);
  return incidents.ok() ? *std::move(incidents) : std::vector<catalog::IncidentRow>();
}

// What of them decides how the job is read and what is kept. Empty: there are none.
std::string Diagnostician::IncidentsSeen(const std::string& job) {
  const auto incidents = IncidentsOf(job);
  if (incidents.empty()) return "";
  return " " + std::to_string(incidents.size()) + " " + GravestOf(incidents) + (IsIll(incidents) ? " ill" : "");
}

Diagnostician::Seen& Diagnostician::Recall(const std::string& job) {
  auto [seen, is_new] = seen_.try_emplace(job);
  if (is_new) {
    auto known = parts_.knowledge->Find(job);
    if (known.ok() && *known) seen->second.like = (*known)->seen;
  }
  std::unique_lock lock(mutex_);
  const bool has_news = news_.erase(job) > 0;
  lock.unlock();
  if (is_new || has_news) seen->second.incidents = IncidentsSeen(job);
  return seen->second;
}

bool Diagnostician::IsSettled(const catalog::JobRow& job, const std::string& like, Seen* last) {
  const int64_t now = base::MonotonicNow();
  if (last->like == like || now < last->not_before) return true;
  if (job.state != "lost" || std::exchange(last->growing, like) == like) return false;
  last->not_before = now + kBetweenLooks;
  return true;
}

JobPart Diagnostician::PartOf(const catalog::JobRow& job) {
  return job.state != "finished" || IsIll(IncidentsOf(job.job)) ? JobPart::kAll : JobPart::kReports;
}

bool Diagnostician::LookAtEnded(const catalog::JobRow& job) {
  Seen& last = Recall(job.job);
  const std::string like = SeenAs(job, last.incidents);
  if (IsSettled(job, like, &last)) return false;
  const int64_t began = base::MonotonicNow();
  auto outcome = Examine(job, PartOf(job), *parts_.topology);
  if (stopped_) return true;
  base::Status status = outcome.status();
  if (status.ok() && Row(job.job).ok()) status = Keep(job, like, *outcome);  // somebody may have deleted it meanwhile
  last = {status.ok() ? like : "", like, last.incidents, NextLook(base::MonotonicNow() - began)};
  if (!status.ok())
    parts_.say("project " + parts_.project + ": job " + job.job + ": no diagnosis: " + status.message());
  return true;
}

base::Status Diagnostician::Keep(const catalog::JobRow& job, const std::string& like, const Outcome& outcome) {
  RETURN_IF_ERROR(Tell(job, outcome, job.state == "lost" ? "the job was lost" : "the job has " + job.state));
  return ledger_.Save({job.job, like, diagnose::ToJson(outcome.facts), diagnose::CurvesToJson(outcome.facts.curves)});
}

void Diagnostician::DropRequest(const std::string& job) {
  std::lock_guard lock(mutex_);
  requests_.erase(job);
}

void Diagnostician::LookAtRunning(const catalog::JobRow& job) {
  std::unique_lock lock(mutex_);
  auto found = requests_.find(job.job);
  if (found == requests_.end()) return;
  Request request = found->second;
  bool far = request.due_step && job.last_step && *job.last_step >= *request.due_step;
  if (base::MonotonicNow() < request.due && !far) return;
  requests_.erase(found);
  lock.unlock();
  const int64_t began = base::MonotonicNow();
  auto outcome = Examine(job, JobPart::kAll, *parts_.topology);
  base::Status status = outcome.ok() ? Tell(job, *outcome, request.reason) : outcome.status();
  if (!status.ok() && !stopped_) {
    parts_.say("project " + parts_.project + ": job " + job.job + ": no diagnosis: " + status.message());
  }
  if (request.looks == kRenewals) return;
  Request next{request.reason, NextLook(base::MonotonicNow() - began), {}, request.looks + 1};
  if (next.looks == kRenewals) {
    next.due = base::MonotonicNow() + kRenewAfter;
    if (job.last_step) next.due_step = *job.last_step + kRenewAfterSteps;
  }
  lock.lock();
  requests_.try_emplace(job.job, std::move(next));
}

base::Result<Diagnostician::Outcome> Diagnostician::Examine(const catalog::JobRow& job, JobPart part,
                                                            const diagnose::Topology& topology) {
  ASSIGN_OR_RETURN(JobReading reading, ReadJob(parts_.logs, job, part, [&] { return stopped_.load(); }));
  if (!reading.left_out.empty()) parts_.say("project " + parts_.project + ": job " + job.job + ": " + reading.left_out);
  Outcome outcome;
  outcome.told = reading.last_diagnosis;
  if (part == JobPart::kAll) outcome.verdict = diagnose::Diagnose(reading.lines, topology);
  ASSIGN_OR_RETURN(outcome.facts, FactsFrom(job, reading));
  diagnose::TakeVerdict(outcome.verdict, &outcome.facts);
  const bool went_well = job.state == "finished" || (job.state == "imported" && outcome.verdict.healthy);
  outcome.facts.productive_s =
      reading.progress.ProductiveSeconds(went_well ? std::nullopt : outcome.facts.last_checkpoint);
  const auto& culprit = outcome.verdict.culprit;
  ASSIGN_OR_RETURN(auto ranks, parts_.catalog->Ranks(job.job));
  for (const catalog::RankRow& rank : ranks) {
    if (culprit && culprit->rank == rank.rank) outcome.facts.culprit_host = rank.host;
  }
  return outcome;
}

base::Result<JobFacts> Diagnostician::FactsFrom(const catalog::JobRow& job, const JobReading& reading) {
  JobFacts facts;
  facts.job = job.job;
  facts.state = job.state;
  facts.started = job.started;
  facts.ended = job.last_heard;
  facts.ranks = std::max(job.ranks_seen, job.ranks_expected);
  ASSIGN_OR_RETURN(auto ranks, parts_.catalog->Ranks(job.job));
  std::set<std::string> hosts;
  for (const catalog::RankRow& rank : ranks) {
    if (!rank.host.empty()) hosts.insert(rank.host);
  }
  facts.hosts.assign(hosts.begin(), hosts.end());
  diagnose::TakeConfiguration(job.configuration, &facts);
  facts.last_step = reading.progress.last_step();
  facts.last_checkpoint = reading.last_checkpoint;
  facts.curves = reading.curves;
  catalog::FindingFilter of_job;
  of_job.job = job.job;
  ASSIGN_OR_RETURN(auto findings, parts_.findings->List(of_job));
  facts.inflections = TurnsOf(findings);
  facts.incident = GravestOf(IncidentsOf(job.job));
  return facts;
}

// A healthy job has nothing to tell, but to take back what was told.
base::Status Diagnostician::Tell(const catalog::JobRow& job, const Outcome& outcome, const std::string& reason) {
  model::Record event = DiagnosisEvent(job, outcome.verdict, reason);
  bool nothing_new = GistOf(event) == outcome.told || (outcome.verdict.healthy && outcome.told.empty());
  if (nothing_new) return {};
  catalog::Findings::Changes changes;
  changes.events.push_back(std::move(event));
  return parts_.findings->Save(changes);
}

base::Result<catalog::JobRow> Diagnostician::Row(const std::string& job) {
  return parts_.catalog->Job(job, base::WallNow(), parts_.lost_after_ns);
}

base::Result<diagnose::Verdict> Diagnostician::DiagnoseNow(const std::string& job, const diagnose::Topology* topology) {
  ASSIGN_OR_RETURN(catalog::JobRow row, Row(job));
  ASSIGN_OR_RETURN(Outcome outcome, Examine(row, JobPart::kAll, topology ? *topology : *parts_.topology));
  SayThatItFailed(row, &outcome.verdict);
  ASSIGN_OR_RETURN(outcome.verdict.similar, ledger_.FindSimilar(outcome.facts));
  return std::move(outcome.verdict);
}

base::Result<JobFacts> Diagnostician::FactsOf(const std::string& job) {
  ASSIGN_OR_RETURN(auto known, parts_.knowledge->Find(job));
  auto row = Row(job);
  bool fresh = known && (!row.ok() || known->seen == SeenAs(*row, IncidentsSeen(job)));
  if (fresh) {
    ASSIGN_OR_RETURN(JobFacts facts, diagnose::FactsFromJson(known->facts));
    facts.curves = diagnose::CurvesFromJson(known->curves);
    return facts;
  }
  RETURN_IF_ERROR(row.status());
  ASSIGN_OR_RETURN(Outcome outcome, Examine(*row, JobPart::kAll, *parts_.topology));
  return std::move(outcome.facts);
}

base::Result<diagnose::Insights> Diagnostician::Summarize() { return ledger_.Summarize(); }

std::optional<LifeVerdict> Diagnostician::VerdictOf(const catalog::JobLife& life) const {
  auto known = parts_.knowledge->Find(life.job);
  if (!known.ok() || !*known) return std::nullopt;
  auto facts = diagnose::FactsFromJson((*known)->facts);
  bool of_it = facts.ok() && facts->state == life.state && facts->ended >= life.launched;
  if (!of_it) return std::nullopt;
  const bool says_nothing = facts->healthy || facts->failure == diagnose::kUnknownFailure;
  LifeVerdict verdict{says_nothing, facts->failure, facts->confidence, {}, {}, facts->root_line};
  if (facts->culprit) {
    verdict.rank = facts->culprit->rank;
    verdict.step = facts->culprit->step;
  }
  verdict.settled = facts->ended == life.last_heard;
  return verdict;
}

base::Status Diagnostician::ForgetJob(const std::string& job) {
  DropRequest(job);
  return ledger_.Forget(job);
}

}  // namespace rankscope::monitor
