#include "project.h"

#include "diagnose/incidents/grouping.h"
#include "query/store_log_source.h"

namespace rankscope {
namespace {

// How many ranks the job has, as it says, or else as were seen; 0: it is not known.
int64_t RanksOf(catalog::Catalog* catalog, const std::string& job) {
  auto row = catalog->Job(job, /*now=*/0, /*lost_after=*/INT64_MAX);
  if (!row.ok()) return 0;
  return row->ranks_expected > 0 ? row->ranks_expected : row->ranks_seen;
}

monitor::IncidentClerk::JobLife LifeOf(catalog::Catalog* catalog, const std::string& job, int64_t lost_after_ns) {
  base::TimeNs now = base::WallNow();
  auto row = catalog->Job(job, now, lost_after_ns);
  if (!row.ok() || row->state == "running") return {now, false};
  bool ended = row->state == "finished" || row->state == "failed" || row->state == "imported";
  return {row->last_heard, ended && now - row->last_heard > diagnose::kIncidentWindow};
}

}  // namespace

base::Result<std::unique_ptr<Project>> Project::Open(const std::string& name, const std::string& folder,
                                                     const ProjectOptions& settings, std::vector<std::string>* damage) {
  std::unique_ptr<Project> project(new Project(name));
  RETURN_IF_ERROR(project->OpenFiles(folder, settings, damage));
  project->MakeJudges(settings);
  RETURN_IF_ERROR(project->OpenIngest(folder, settings, damage));
  project->Begin(settings);
  return project;
}

base::Status Project::OpenFiles(const std::string& folder, const ProjectOptions& settings,
                                std::vector<std::string>* damage) {
  ASSIGN_OR_RETURN(
      store_, store::Store::Open(
                  folder + "/store",
                  {.project = name_, .memtable_bytes = settings.memtable_bytes, .say = settings.alarms.say}, damage));
  ASSIGN_OR_RETURN(catalog_, catalog::Catalog::Open(folder, name_));
  ASSIGN_OR_RETURN(findings_, catalog::Findings::Open(folder, name_));
  ASSIGN_OR_RETURN(knowledge_, catalog::Knowledge::Open(folder));
  logs_ = query::MakeStoreLogSource(store_.get());
  return {};
}

void Project::MakeJudges(const ProjectOptions& settings) {
  diagnostician_ = std::make_unique<monitor::Diagnostician>(
      monitor::Diagnostician::Parts{name_, catalog_.get(), findings_.get(), knowledge_.get(), logs_.get(),
                                    settings.topology, settings.lost_after_ns, settings.alarms.say});
  auto is_past = [catalog = catalog_.get(), lost_after = settings.lost_after_ns](const std::string& job) {
    auto row = catalog->Job(job, base::WallNow(), lost_after);
    return row.ok() && row->state == "imported";
  };
  std::vector<diagnose::IncidentListener*> listeners = {diagnostician_.get()};
  if (settings.notifier) {
    people_ = std::make_unique<monitor::People>(name_, settings.notifier, findings_->incidents(), is_past);
    listeners.push_back(people_.get());
  }
  rule_actions_ = std::make_unique<monitor::RuleActions>(name_, findings_.get(), settings.actions, settings.alarms.say);
  detection_ = std::make_unique<monitor::Detection>(monitor::Detection::Parts{
      name_, findings_.get(), store_.get(), settings.rules,
      [name = name_, alert = settings.alert](const std::string& job, const std::string& line) {
        alert(name, job, line);
      },
      settings.alarms.say, [catalog = catalog_.get()](const std::string& job) { return RanksOf(catalog, job); },
      is_past, std::move(listeners), [this](bool more) { rule_actions_->Look(more); }});
  incident_words_ = std::make_unique<IncidentWords>(detection_.get());
}

base::Status Project::OpenIngest(const std::string& folder, const ProjectOptions& settings,
                                 std::vector<std::string>* damage) {
  ingest::Ingest::Options options;
  options.folder = folder + "/journal";
  // Detection before the store: what the store has is judged, or waits to be.
  options.sinks = {catalog_.get(), detection_.get(), store_.get()};
  options.project = name_;
  options.silent_jobs = [catalog = catalog_.get()] { return catalog->SilentJobs(base::WallNow()); };
  options.fatal = settings.alarms.fatal;
  options.say = settings.alarms.say;
  ASSIGN_OR_RETURN(ingest_, ingest::Ingest::Open(options, damage));
  return {};
}

void Project::Begin(const ProjectOptions& settings) {
  logs_->Subscribe([name = name_, metrics = settings.metrics](const auto& records) {
    metrics->CountIngested(name, records->size());
  });
  detection_->Start(ingest_.get());
  if (settings.rules) diagnostician_->Start();
  incident_clerk_ = std::make_unique<monitor::IncidentClerk>(monitor::IncidentClerk::Parts{
      name_, findings_->incidents(), store_.get(), logs_.get(), detection_.get(),
      [catalog = catalog_.get(), lost_after = settings.lost_after_ns](const std::string& job) {
        return LifeOf(catalog, job, lost_after);
      },
      settings.gpu_hour_price});
  custody_ = std::make_unique<JobCustody>(
      JobCustody::Parts{name_, store_.get(), catalog_.get(), findings_->incidents(), ingest_.get(), detection_.get(),
                        diagnostician_.get(), settings.lost_after_ns, settings.alarms.say, settings.metrics});
  if (!settings.notifier) return;
  std::function<std::optional<monitor::LifeVerdict>(const catalog::JobLife&)> verdict;
  if (settings.rules) {  // else the diagnostician was not started
    verdict = [diagnostician = diagnostician_.get()](const catalog::JobLife& life) {
      return diagnostician->VerdictOf(life);
    };
  }
  lives_ = std::make_unique<monitor::JobLives>(
      monitor::JobLives::Parts{name_, catalog_.get(), settings.notifier, settings.lost_after_ns, std::move(verdict)},
      base::WallNow());
}

base::Status Project::TakesRecords() {
  RETURN_IF_ERROR(ingest_->HasRoom());
  return store_->LastSealing();
}

base::Status Project::TellPeople(base::TimeNs now) {
  if (!people_) return {};
  RETURN_IF_ERROR(people_->CloseEnded(now));
  return lives_->Look(now);
}

// Ingest goes first, and a last time appends to it; it must not use ingest any more.
Project::~Project() {
  if (diagnostician_) diagnostician_->Stop();
  incident_clerk_.reset();
  if (detection_) detection_->Stop();
}

api::HttpServer::Handler Project::Routes(api::Services doors) {
  std::lock_guard lock(mutex_);
  if (!routes_) {
    doors.project = name_;
    doors.logs = logs_.get();
    doors.catalog = catalog_.get();
    doors.findings = findings_.get();
    doors.jobs = custody_.get();
    doors.knowledge = diagnostician_.get();
    doors.incidents = incident_words_.get();
    routes_ = api::MakeRoutes(doors);
  }
  return routes_;
}

base::Status Project::Close() {
  api::HttpServer::Handler routes;
  {
    std::lock_guard lock(mutex_);
    routes.swap(routes_);
  }
  routes = nullptr;  // ends the tails
  custody_.reset();
  diagnostician_->Stop();
  incident_clerk_.reset();
  detection_->Stop();
  ingest_.reset();
  return store_->Flush();
}

}  // namespace rankscope
