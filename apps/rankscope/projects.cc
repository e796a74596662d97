#include "projects.h"

#include <sys/stat.h>

#include <algorithm>

#include "base/file.h"
#include "model/job_id.h"

namespace rankscope {
namespace {

constexpr size_t kMaxProjects = 256;  // each has its threads and its memtable

bool IsDirectory(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

Projects::Projects(const std::string& data_dir, access::Gate* gate, const ProjectOptions& options)
    : folder_(data_dir + "/projects"), gate_(gate), options_(options) {}

Projects::~Projects() { StopRepeating(); }

base::Result<std::unique_ptr<Projects>> Projects::Open(const std::string& data_dir, access::Gate* gate,
                                                       const ProjectOptions& options,
                                                       std::vector<std::string>* damage) {
  std::unique_ptr<Projects> projects(new Projects(data_dir, gate, options));
  RETURN_IF_ERROR(base::MakeDirectories(projects->folder_ + "/default"));
  ASSIGN_OR_RETURN(std::vector<std::string> names, base::ListDirectory(projects->folder_));
  for (const std::string& name : names) {
    if (!access::CheckProjectName(name).ok() || !IsDirectory(projects->folder_ + "/" + name)) continue;
    auto opened = projects->OpenProject(name, damage);
    if (!opened.ok()) return opened.status();
  }
  return projects;
}

// REQUIRES mutex_, or Open.
base::Result<Project*> Projects::OpenProject(const std::string& name, std::vector<std::string>* damage) {
  std::string folder = folder_ + "/" + name;
  RETURN_IF_ERROR(base::MakeDirectories(folder));
  ASSIGN_OR_RETURN(auto project, Project::Open(name, folder, options_, damage));
  return (projects_[name] = std::move(project)).get();
}

base::Result<Project*> Projects::Find(const std::string& name) {
  std::lock_guard lock(mutex_);
  auto found = projects_.find(name);
  if (found == projects_.end()) return base::Status::NotFound("no project \"" + name + "\": nothing was sent to it");
  return found->second.get();
}

base::Result<Project*> Projects::FindOrOpen(const std::string& name) {
  std::lock_guard lock(mutex_);
  auto found = projects_.find(name);
  if (found != projects_.end()) return found->second.get();
  if (projects_.size() >= kMaxProjects) {
    return base::Status::Invalid("no project \"" + name + "\", and this server takes no more than " +
                                 std::to_string(kMaxProjects));
  }
  std::vector<std::string> damage;  // a new folder has none
  return OpenProject(name, &damage);
}

base::Result<uint64_t> Projects::Greet(wire::Hello* hello) {
  // What an older agent began goes on.
  if (!hello->job.empty() && hello->acked_seq == 0) RETURN_IF_ERROR(model::CheckJobId(hello->job));
  auto verdict = gate_->Admit(hello->token, hello->project, access::Action::kIngest);
  if (verdict.kind != access::Gate::Verdict::kAdmitted) return base::Status::Invalid(verdict.message);
  hello->project = verdict.project;
  ASSIGN_OR_RETURN(Project * project, FindOrOpen(hello->project));
  return project->ingest()->Greet(hello);
}

base::Result<ingest::Ingest*> Projects::IngestOf(const std::string& project) {
  ASSIGN_OR_RETURN(Project * found, FindOrOpen(project));
  return found->ingest();
}

// Asked again for each frame: a revoked token ends the stream that it opened.
base::Result<Project*> Projects::Admit(const wire::Hello& hello) {
  auto verdict = gate_->Admit(hello.token, hello.project, access::Action::kIngest);
  if (verdict.kind != access::Gate::Verdict::kAdmitted) return base::Status::Invalid(verdict.message);
  return Find(verdict.project);
}

void Projects::Submit(const wire::Hello& hello, wire::Frame frame, std::function<void(Outcome)> done) {
  auto project = Admit(hello);
  if (!project.ok()) return done({Outcome::kFailed, 0, project.status()});
  (*project)->ingest()->Submit(hello, std::move(frame), std::move(done));
}

void Projects::SubmitLost(const wire::Hello& hello, wire::Lost lost, std::function<void(Outcome)> done) {
  auto project = Admit(hello);
  if (!project.ok()) return done({Outcome::kFailed, 0, project.status()});
  (*project)->ingest()->SubmitLost(hello, std::move(lost), std::move(done));
}

void Projects::Answer(const wire::Hello& hello, const model::JobAnswer& answer) {
  if (options_.actions) options_.actions->Take(hello.project, hello.job, answer);
}

base::Result<diagnose::JobRanks> Projects::LiveRanks(const std::string& name, const std::string& job) {
  ASSIGN_OR_RETURN(Project * project, Find(name));
  ASSIGN_OR_RETURN(catalog::JobRow row, project->catalog()->Job(job, base::WallNow(), options_.lost_after_ns));
  ASSIGN_OR_RETURN(auto ranks, project->catalog()->Ranks(job));
  diagnose::JobRanks live;
  live.attempt = row.attempt;
  live.last_step = row.last_step;
  for (const catalog::RankRow& rank : ranks) {
    if (rank.attempt == row.attempt && rank.exit.empty()) live.alive.insert(rank.rank);
  }
  return live;
}

base::Status Projects::Conclude(const std::string& name, const std::string& finding, model::Record event) {
  ASSIGN_OR_RETURN(Project * project, Find(name));
  catalog::Findings::Changes changes;
  changes.concluded = finding;
  changes.events.push_back(std::move(event));
  return project->findings()->Save(changes);
}

base::Result<api::HttpServer::Handler> Projects::Routes(const std::string& name, bool may_begin,
                                                        const api::Services& doors) {
  ASSIGN_OR_RETURN(Project * project, may_begin ? FindOrOpen(name) : Find(name));
  return project->Routes(doors);
}

void Projects::UseRules(const std::shared_ptr<const detect::RuleSet>& rules) {
  std::lock_guard lock(mutex_);
  options_.rules = rules;
  for (const auto& [name, project] : projects_) project->UseRules(rules);
}

void Projects::StartRetention(RetentionRules rules, int every_s) {
  retention_ = Repeat(std::chrono::seconds(every_s), [this, rules = std::move(rules)] { ExpireAll(rules); });
}

void Projects::StartTelling() {
  telling_ = Repeat(std::chrono::seconds(1), [this, said = std::string()]() mutable { TellAll(&said); });
}

std::thread Projects::Repeat(std::chrono::seconds every, std::function<void()> work) {
  return std::thread([this, every, work = std::move(work)] {
    std::unique_lock lock(mutex_);
    while (!closed_.wait_for(lock, every, [this] { return closing_; })) {
      lock.unlock();
      work();
      lock.lock();
    }
  });
}

// They stay until Close.
std::vector<Project*> Projects::All() {
  std::vector<Project*> all;
  std::lock_guard lock(mutex_);
  for (const auto& [name, project] : projects_) all.push_back(project.get());
  return all;
}

bool Projects::AllTakeRecords() {
  const std::vector<Project*> all = All();
  return std::all_of(all.begin(), all.end(), [](Project* project) { return project->TakesRecords().ok(); });
}

void Projects::ExpireAll(const RetentionRules& rules) {
  for (Project* project : All()) {
    // A disk that refuses now may not at the next look.
    auto status = project->custody()->Expire(rules.Of(project->name()), base::WallNow());
    if (!status.ok()) options_.alarms.say("project " + project->name() + ": retention: " + status.message());
  }
}

// What goes on is said once.
void Projects::TellAll(std::string* said) {
  std::string trouble;
  for (Project* project : All()) {
    auto status = project->TellPeople(base::WallNow());
    if (!status.ok()) trouble = "notify: project " + project->name() + ": " + status.message();
  }
  if (!trouble.empty() && trouble != *said) options_.alarms.say(trouble);
  *said = trouble;
}

void Projects::StopRepeating() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  closed_.notify_all();
  for (std::thread* thread : {&retention_, &telling_}) {
    if (thread->joinable()) thread->join();
  }
}

base::Status Projects::Close() {
  StopRepeating();
  base::Status first;
  for (auto& [name, project] : projects_) {
    auto status = project->Close();
    if (first.ok()) first = status.WithContext("project " + name);
  }
  return first;
}

}  // namespace rankscope
