#include "diagnose/actions/job_actions.h"

#include <algorithm>
#include <chrono>
#include <random>

#include "model/event.h"

namespace rankscope::diagnose {
namespace {

constexpr size_t kMostEntries = 1000;
constexpr auto kTickEvery = std::chrono::milliseconds(50);

bool Holds(const std::string& action) { return action == "pause_job" || action == "stop_job"; }

// Unlike those of the runs before: late answers to them are of nobody.
std::string NewId(uint64_t number) {
  static const uint32_t run = std::random_device{}();
  char text[32];
  std::snprintf(text, sizeof text, "a%08x-%llu", run, static_cast<unsigned long long>(number));
  return text;
}

std::string AskedBy(const ActionRequest& request) {
  std::string text = request.action.Text();
  if (!request.by.empty()) text += ", asked by " + request.by;
  return request.note.empty() ? text : text + ": " + request.note;
}

}  // namespace

JobActions::JobActions(Ways ways) : ways_(std::move(ways)) {
  thread_ = std::thread([this] { Loop(); });
}

JobActions::~JobActions() { Stop(); }

void JobActions::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

base::Status JobActions::CanBegin(const ActionRequest& request) const {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return base::Status::Unavailable("the server is stopping");
  }
  const std::string& name = request.action.name;
  bool asks_ranks = name != "mark" && name != "notify_only" && name != "webhook";
  if (!ways_.starting(request.project, asks_ranks ? request.job : "")) return {};
  return base::Status::Unavailable("the server has just started, and agents of the job may come back");
}

base::Result<ActionReport> JobActions::Begin(const ActionRequest& request) {
  Entry entry;
  entry.report.request = request;
  ASSIGN_OR_RETURN(entry.report.request.action, model::ParseAction(request.action.Text()));
  if (request.action.name == "webhook" && request.finding.empty()) {
    return base::Status::Invalid(
        "webhook sends what a rule has found; `rankscope notify test CHANNEL` tries a channel");
  }
  std::lock_guard lock(mutex_);
  if (stopping_) return base::Status::Unavailable("the server is stopping");
  RETURN_IF_ERROR(Admit(request));
  ASSIGN_OR_RETURN(JobRanks ranks, ways_.ranks(request.project, request.job));
  entry.report.id = request.finding.empty() ? NewId(++last_) : IdOfFindingsAction(request.finding);
  entry.report.began = base::WallNow();
  if (request.action.name == "resume_job") ranks.released = ReleaseHolds(request);
  entry.report.attempt = ranks.attempt;
  entry.run = NewRun(entry.report, std::move(ranks));
  entries_.push_back(std::move(entry));
  Entry& begun = entries_.back();
  Update(&begun);  // that it was asked for, before what comes of it
  if (begun.run) begun.run->Begin(base::MonotonicNow());
  Update(&begun);
  ActionReport report = begun.report;
  DropOldest();
  changed_.notify_all();
  return report;
}

bool JobActions::ReleaseHolds(const ActionRequest& resume) {
  bool any = false;
  for (Entry& other : entries_) {
    const ActionRequest& request = other.report.request;
    bool same = request.project == resume.project && request.job == resume.job;
    if (!same || !other.run || !Holds(request.action.name)) continue;
    other.run->Release(resume.by);
    any = any || other.run->report().state == "done";
    Update(&other);
  }
  return any;
}

// One that goes on stays: there are as many of those as jobs at most.
void JobActions::DropOldest() {
  if (entries_.size() <= kMostEntries) return;
  auto oldest =
      std::find_if(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.report.state == "done"; });
  if (oldest != entries_.end()) entries_.erase(oldest);
}

base::Status JobActions::Admit(const ActionRequest& request) const {
  if (!Holds(request.action.name)) return {};
  for (const Entry& entry : entries_) {
    const ActionRequest& other = entry.report.request;
    bool same_job = other.project == request.project && other.job == request.job;
    if (same_job && Holds(other.action.name) && entry.report.state != "done") {
      return base::Status::Invalid("job " + request.job + ": " + other.action.name + " is under way (" +
                                   entry.report.id + ")");
    }
  }
  return {};
}

ActionWays JobActions::WaysOf(const ActionReport& report) {
  const std::string& project = report.request.project;
  const std::string& job = report.request.job;
  return {[this, project, job](const model::JobOrder& order) { return ways_.tell(project, job, order); },
          [this, project, job] { return ways_.agents(project, job); },
          [this, report](const RankOutcome& rank) { RecordRank(report, rank); }};
}

std::unique_ptr<ActionRun> JobActions::NewRun(const ActionReport& report, JobRanks ranks) {
  const model::Action& action = report.request.action;
  if (Holds(action.name)) return MakeHold(report, std::move(ranks), WaysOf(report));
  if (action.name == "notify_only" || action.name == "mark") return MakeWord(report);
  if (action.name == "webhook") return MakeWebhook(report, ways_.check_channel, ways_.told);
  return MakeInquiry(report, std::move(ranks), WaysOf(report));
}

void JobActions::Update(Entry* entry) {
  if (entry->run) entry->report = entry->run->report();
  const ActionReport& report = entry->report;
  std::string now = report.state + " " + report.outcome;
  if (now != entry->recorded) {
    bool concludes = !report.request.finding.empty() && report.state != "running" && !entry->concluded;
    model::Record event = EventOf(report);
    if (!concludes) {
      ways_.record(report.request.project, std::move(event));
    } else if (!ways_.conclude(report.request.project, report.request.finding, std::move(event)).ok()) {
      return;  // a full disk: the next look tries again
    }
    entry->concluded = entry->concluded || concludes;
    entry->recorded = now;
  }
  if (report.state == "done") entry->run.reset();
}

model::Record JobActions::EventOf(const ActionReport& report) const {
  const ActionRequest& request = report.request;
  std::string outcome = !report.outcome.empty() ? report.outcome : request.again ? "asked_again" : "asked";
  std::string what = !report.summary.empty() ? report.summary
                     : request.again         ? "begun again, as the server ended before there was an outcome"
                                             : outcome;
  model::Record record = model::MakeEvent("action", base::WallNow(), AskedBy(request) + ": " + what);
  record.origin.project = request.project;
  record.origin.job = request.job;
  record.origin.attempt = report.attempt;
  record.step = report.step;
  bool ill = outcome == "refused" || outcome == "given_up" || outcome == "incomplete";
  record.level = ill ? "warning" : "info";
  record.fields.emplace_back("action", request.action.name);
  record.fields.emplace_back("action_id", report.id);
  record.fields.emplace_back("outcome", outcome);
  if (!request.by.empty()) record.fields.emplace_back("by", request.by);
  if (!request.note.empty()) record.fields.emplace_back("note", request.note);
  if (!request.finding.empty()) record.fields.emplace_back("finding", request.finding);
  if (report.limit_s > 0) record.fields.emplace_back("limit_s", report.limit_s);
  return record;
}

void JobActions::RecordRank(const ActionReport& report, const RankOutcome& rank) {
  std::string text = "rank " + std::to_string(rank.rank) + ": " + rank.outcome;
  if (rank.step) text += ", last seen at step " + std::to_string(*rank.step);
  model::Record record = model::MakeEvent("action", base::WallNow(), text + " (" + AskedBy(report.request) + ")");
  record.origin.project = report.request.project;
  record.origin.job = report.request.job;
  record.origin.attempt = report.attempt;
  record.origin.rank = rank.rank;
  record.step = rank.step;
  record.level = "warning";
  record.fields.emplace_back("action", report.request.action.name);
  record.fields.emplace_back("action_id", report.id);
  record.fields.emplace_back("outcome", rank.outcome);
  if (!rank.detail.empty()) record.fields.emplace_back("detail", rank.detail);
  ways_.record(report.request.project, std::move(record));
}

base::Result<ActionReport> JobActions::Find(const std::string& project, const std::string& id) const {
  std::lock_guard lock(mutex_);
  for (const Entry& entry : entries_) {
    if (entry.report.id == id && entry.report.request.project == project) return entry.report;
  }
  return base::Status::NotFound("no action " + id + " of this server's run; what came of it is in the job's events");
}

std::vector<ActionReport> JobActions::List(const std::string& project, const std::string& job) const {
  std::lock_guard lock(mutex_);
  std::vector<ActionReport> reports;
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    const ActionRequest& request = entry->report.request;
    if (request.project == project && request.job == job) reports.push_back(entry->report);
  }
  return reports;
}

void JobActions::Take(const std::string& project, const std::string& job, model::JobAnswer answer) {
  {
    std::lock_guard lock(mutex_);
    arrived_.push_back({project, job, std::move(answer)});
  }
  changed_.notify_all();
}

void JobActions::Advance(Entry* entry, const std::vector<Arrived>& arrived, int64_t now) {
  const ActionRequest& request = entry->report.request;
  for (const Arrived& one : arrived) {
    bool ours = one.answer.action == entry->report.id && one.project == request.project && one.job == request.job;
    if (ours) entry->run->Take(one.answer, now);
  }
  entry->run->Tick(now);
  Update(entry);
}

void JobActions::Loop() {
  std::unique_lock lock(mutex_);
  auto is_under_way = [](const Entry& entry) { return entry.run != nullptr; };
  while (!stopping_) {
    changed_.wait(lock, [&] {
      return stopping_ || !arrived_.empty() || std::any_of(entries_.begin(), entries_.end(), is_under_way);
    });
    changed_.wait_for(lock, kTickEvery, [this] { return stopping_ || !arrived_.empty(); });
    int64_t now = base::MonotonicNow();
    auto arrived = std::exchange(arrived_, {});
    for (Entry& entry : entries_) {
      if (entry.run) Advance(&entry, arrived, now);
    }
  }
}

}  // namespace rankscope::diagnose
