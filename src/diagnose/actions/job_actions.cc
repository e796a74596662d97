#include "diagnose/actions/job_actions.h"

#include <algorithm>
#include <chrono>
#include <random>

#include "model/event.h"

namespace rankscope::diagnose {
namespace {

constexpr size_t kMostEntries = 1000;
constexpr auto kTickEvery = std::chrono::milliseconds(50);
constexpr int64_t kRepeatedNs = 60 * base::kNsPerSecond;  // rules ask for one thing once a minute

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

base::Result<ActionReport> JobActions::Begin(const ActionRequest& request) {
  ActionRequest checked = request;
  ASSIGN_OR_RETURN(checked.action, model::ParseAction(request.action.Text()));
  ASSIGN_OR_RETURN(JobRanks ranks, ways_.ranks(request.project, request.job));
  std::lock_guard lock(mutex_);
  if (stopping_) return base::Status::Unavailable("the server is stopping");
  RETURN_IF_ERROR(Admit(checked));
  Entry entry;
  entry.report.id = NewId(++last_);
  entry.report.request = checked;
  entry.report.began = base::WallNow();
  if (IsRepeated(checked)) {
    entry.report.state = "done";
    entry.report.outcome = "refused";
    entry.report.summary = "a rule has asked for it within the last minute";
  } else {
    entry.run = NewRun(entry.report, std::move(ranks));
  }
  if (checked.action.name == "resume_job") {
    for (Entry& other : entries_) {
      bool same = other.report.request.project == request.project && other.report.request.job == request.job;
      if (!same || !other.run) continue;
      other.run->Release(checked.by);
      Update(&other);
    }
  }
  if (entry.run) {
    entry.run->Begin(base::MonotonicNow());
  } else if (entry.report.state != "done") {
    Conclude(&entry.report);
  }
  entries_.push_back(std::move(entry));
  Update(&entries_.back());
  DropOldest();
  return entries_.back().report;
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

bool JobActions::IsRepeated(const ActionRequest& request) const {
  if (request.finding.empty()) return false;
  int64_t now = base::WallNow();
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    const ActionRequest& other = entry.report.request;
    return !other.finding.empty() && other.project == request.project && other.job == request.job &&
           other.action.Text() == request.action.Text() && now - entry.report.began < kRepeatedNs;
  });
}

ActionWays JobActions::WaysOf(const ActionReport& report) {
  const std::string& project = report.request.project;
  const std::string& job = report.request.job;
  return {[this, project, job](const model::JobOrder& order) { return ways_.tell(project, job, order); },
          [this, project, job] { return ways_.agents(project, job); },
          [this, report](const RankOutcome& rank) { RecordRank(report, rank); }};
}

// Null: it is done here and now.
std::unique_ptr<ActionRun> JobActions::NewRun(const ActionReport& report, JobRanks ranks) {
  const std::string& name = report.request.action.name;
  if (Holds(name)) return MakeHold(report, std::move(ranks), WaysOf(report));
  if (name == "notify_only" || name == "mark" || name == "webhook") return nullptr;
  return MakeInquiry(report, std::move(ranks), WaysOf(report));
}

void JobActions::Conclude(ActionReport* report) {
  report->state = "done";
  if (report->request.action.name == "webhook") {
    base::Status status = ways_.notify ? ways_.notify(report->request.action.argument, report->request)
                                       : base::Status::Unavailable("this server has no channels of notifications");
    report->outcome = status.ok() ? "sent" : "refused";
    report->summary = status.ok() ? "sent to " + report->request.action.argument : status.message();
  } else {
    report->outcome = report->request.action.name == "mark" ? "marked" : "told";
    report->summary = report->outcome;
  }
}

void JobActions::Update(Entry* entry) {
  if (entry->run) entry->report = entry->run->report();
  std::string now = entry->report.state + " " + entry->report.outcome;
  if (now != entry->recorded) RecordJob(entry->report);
  entry->recorded = now;
  if (entry->report.state == "done") entry->run.reset();
}

void JobActions::RecordJob(const ActionReport& report) {
  std::string outcome = report.outcome.empty() ? "asked" : report.outcome;
  std::string text = AskedBy(report.request) + ": " + (report.summary.empty() ? outcome : report.summary);
  model::Record record = model::MakeEvent("action", base::WallNow(), text);
  record.origin.project = report.request.project;
  record.origin.job = report.request.job;
  record.step = report.step;
  record.level = outcome == "refused" || outcome == "given_up" || outcome == "incomplete" ? "warning" : "info";
  record.fields.emplace_back("action", report.request.action.name);
  record.fields.emplace_back("action_id", report.id);
  record.fields.emplace_back("outcome", outcome);
  if (!report.request.by.empty()) record.fields.emplace_back("by", report.request.by);
  if (!report.request.finding.empty()) record.fields.emplace_back("finding", report.request.finding);
  ways_.record(report.request.project, std::move(record));
}

void JobActions::RecordRank(const ActionReport& report, const RankOutcome& rank) {
  std::string text = "rank " + std::to_string(rank.rank) + ": " + rank.outcome;
  if (rank.step) text += ", last seen at step " + std::to_string(*rank.step);
  model::Record record = model::MakeEvent("action", base::WallNow(), text + " (" + AskedBy(report.request) + ")");
  record.origin.project = report.request.project;
  record.origin.job = report.request.job;
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

void JobActions::Loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait_for(lock, kTickEvery, [this] { return stopping_ || !arrived_.empty(); });
    int64_t now = base::MonotonicNow();
    auto arrived = std::exchange(arrived_, {});
    for (Entry& entry : entries_) {
      if (!entry.run) continue;
      for (const Arrived& one : arrived) {
        const ActionRequest& request = entry.report.request;
        bool ours = one.answer.action == entry.report.id && one.project == request.project && one.job == request.job;
        if (ours) entry.run->Take(one.answer, now);
      }
      entry.run->Tick(now);
      Update(&entry);
    }
  }
}

}  // namespace rankscope::diagnose
