#include "project.h"

#include "query/store_log_source.h"

namespace rankscope {

base::Result<std::unique_ptr<Project>> Project::Open(const std::string& name, const std::string& folder,
                                                     const ProjectOptions& settings, std::vector<std::string>* damage) {
  std::unique_ptr<Project> project(new Project(name));
  ASSIGN_OR_RETURN(
      project->store_,
      store::Store::Open(folder + "/store", {.project = name, .memtable_bytes = settings.memtable_bytes}, damage));
  ASSIGN_OR_RETURN(project->catalog_, catalog::Catalog::Open(folder, name));
  ASSIGN_OR_RETURN(project->findings_, catalog::Findings::Open(folder, name));
  project->detection_ = std::make_unique<monitor::Detection>(monitor::Detection::Parts{
      name, project->findings_.get(), project->store_.get(), settings.rules,
      [name, alert = settings.alert](const std::string& job, const std::string& line) { alert(name, job, line); },
      settings.alarms.say});
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
  ASSIGN_OR_RETURN(project->knowledge_, catalog::Knowledge::Open(folder));
  project->logs_ = query::MakeStoreLogSource(project->store_.get());
  project->diagnostician_ = std::make_unique<monitor::Diagnostician>(
      monitor::Diagnostician::Parts{name, project->catalog_.get(), project->findings_.get(), project->knowledge_.get(),
                                    project->logs_.get(), settings.lost_after_ns, settings.alarms.say});
  project->diagnostician_->Start();
  project->custody_ = std::make_unique<JobCustody>(JobCustody::Parts{
      name, project->store_.get(), project->catalog_.get(), project->ingest_.get(), project->detection_.get(),
      project->diagnostician_.get(), settings.lost_after_ns, settings.alarms.say, settings.metrics});
  return project;
}

// Ingest goes first, and a last time appends to it; it must not use ingest any more.
Project::~Project() {
  if (diagnostician_) diagnostician_->Stop();
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
  detection_->Stop();
  ingest_.reset();
  return store_->Flush();
}

}  // namespace rankscope
