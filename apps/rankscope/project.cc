#include "project.h"

#include "query/store_log_source.h"

namespace rankscope {
namespace {

// How many ranks the job has, as it says, or else as were seen; 0: it is not known.
int64_t RanksOf(catalog::Catalog* catalog, const std::string& job) {
  auto row = catalog->Job(job, /*now=*/0, /*lost_after=*/INT64_MAX);
  if (!row.ok()) return 0;
  return row->ranks_expected > 0 ? row->ranks_expected : row->ranks_seen;
}

// Up to when the job may have cost something.
base::TimeNs LivesTo(catalog::Catalog* catalog, const std::string& job, int64_t lost_after_ns) {
  base::TimeNs now = base::WallNow();
  auto row = catalog->Job(job, now, lost_after_ns);
  return !row.ok() || row->state == "running" ? now : row->last_heard;
}

}  // namespace

base::Result<std::unique_ptr<Project>> Project::Open(const std::string& name, const std::string& folder,
                                                     const ProjectOptions& settings, std::vector<std::string>* damage) {
  std::unique_ptr<Project> project(new Project(name));
  ASSIGN_OR_RETURN(
      project->store_,
      store::Store::Open(folder + "/store", {.project = name, .memtable_bytes = settings.memtable_bytes}, damage));
  ASSIGN_OR_RETURN(project->catalog_, catalog::Catalog::Open(folder, name));
  ASSIGN_OR_RETURN(project->findings_, catalog::Findings::Open(folder, name));
  std::vector<diagnose::IncidentListener*> listeners;
  if (settings.notifier) {
    project->people_ = std::make_unique<monitor::People>(settings.notifier);
    listeners.push_back(project->people_.get());
  }
  project->detection_ = std::make_unique<monitor::Detection>(monitor::Detection::Parts{
      name, project->findings_.get(), project->store_.get(), settings.rules,
      [name, alert = settings.alert](const std::string& job, const std::string& line) { alert(name, job, line); },
      settings.alarms.say,
      [catalog = project->catalog_.get()](const std::string& job) { return RanksOf(catalog, job); },
      std::move(listeners)});
  project->incident_words_ = std::make_unique<IncidentWords>(project->detection_.get());
  ingest::Ingest::Options options;
  options.folder = folder + "/journal";
  // Detection before the store: what the store has is judged, or waits to be.
  options.sinks = {project->catalog_.get(), project->detection_.get(), project->store_.get()};
  options.project = name;
  options.silent_jobs = [catalog = project->catalog_.get()] { return catalog->SilentJobs(base::WallNow()); };
  options.fatal = settings.alarms.fatal;
  options.say = settings.alarms.say;
  ASSIGN_OR_RETURN(project->ingest_, ingest::Ingest::Open(options, damage));
  project->detection_->Start(project->ingest_.get());
  project->incident_clerk_ = std::make_unique<monitor::IncidentClerk>(monitor::IncidentClerk::Parts{
      name, project->findings_->incidents(), project->store_.get(), project->detection_.get(),
      [catalog = project->catalog_.get(), lost_after = settings.lost_after_ns](const std::string& job) {
        return LivesTo(catalog, job, lost_after);
      },
      settings.gpu_hour_price});
  project->custody_ = std::make_unique<JobCustody>(
      JobCustody::Parts{name, project->store_.get(), project->catalog_.get(), project->ingest_.get(),
                        project->detection_.get(), settings.lost_after_ns, settings.alarms.say, settings.metrics});
  if (settings.notifier) {
    project->lives_ = std::make_unique<monitor::JobLives>(
        monitor::JobLives::Parts{name, project->catalog_.get(), settings.notifier, settings.lost_after_ns},
        base::WallNow());
  }
  project->logs_ = query::MakeStoreLogSource(project->store_.get());
  return project;
}

// Ingest goes first, and a last time appends to it; it must not use ingest any more.
Project::~Project() {
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
  incident_clerk_.reset();
  detection_->Stop();
  ingest_.reset();
  return store_->Flush();
}

}  // namespace rankscope
