#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/routes.h"
#include "catalog/catalog.h"
#include "catalog/findings.h"
#include "catalog/knowledge.h"
#include "diagnose/actions/job_actions.h"
#include "incident_words.h"
#include "ingest/ingest.h"
#include "job_custody.h"
#include "monitor/detection.h"
#include "monitor/diagnostician.h"
#include "monitor/incident_clerk.h"
#include "monitor/job_lives.h"
#include "monitor/people.h"
#include "monitor/rule_actions.h"
#include "query/log_source.h"
#include "store/store.h"

namespace rankscope {

// What whoever runs the server is told; any thread. See ingest::Ingest::Options.
struct Alarms {
  std::function<void(const base::Status&)> fatal;
  std::function<void(const std::string&)> say;
};

struct ProjectOptions {
  Alarms alarms;
  int64_t lost_after_ns = 60 * base::kNsPerSecond;  // of silence, after which a job no longer runs
  size_t memtable_bytes = 16 << 20;
  std::shared_ptr<api::ServerMetrics> metrics;
  std::shared_ptr<const detect::RuleSet> rules;  // null: nothing is judged that nobody asks about
  std::optional<double> gpu_hour_price;
  std::shared_ptr<const diagnose::Topology> topology = std::make_shared<diagnose::Topology>();
  // Tells the agents of a job a line for people.
  std::function<void(const std::string& project, const std::string& job, const std::string& line)> alert;
  notify::LiveNotifier* notifier = nullptr;  // null: nobody is told; outlives the project
  diagnose::JobActions* actions = nullptr;   // REQUIRED: does what rules want; its Stop comes before the project's end
};

// What one project keeps under its folder, and the routes over it. Any thread after Open.
class Project {
 public:
  // Replays the journal. `damage` gets a sentence per damage.
  static base::Result<std::unique_ptr<Project>> Open(const std::string& name, const std::string& folder,
                                                     const ProjectOptions& options, std::vector<std::string>* damage);

  ~Project();

  const std::string& name() const { return name_; }
  ingest::Ingest* ingest() { return ingest_.get(); }
  JobCustody* custody() { return custody_.get(); }
  catalog::Catalog* catalog() { return catalog_.get(); }
  catalog::Findings* findings() { return findings_.get(); }
  // Not OK while records cannot be taken, or cannot be written to segments.
  base::Status TakesRecords();
  void UseRules(std::shared_ptr<const detect::RuleSet> rules) { detection_->UseRules(std::move(rules)); }
  // Tells people what has become of the jobs since the last call. One thread. REQUIRES Begin.
  base::Status TellPeople(base::TimeNs now);
  // Made by the first call, with its `doors`.
  api::HttpServer::Handler Routes(api::Services doors);
  // Commits what was submitted and writes segments. REQUIRES no stream and no request.
  base::Status Close();

 private:
  explicit Project(std::string name) : name_(std::move(name)) {}
  base::Status OpenFiles(const std::string& folder, const ProjectOptions& options, std::vector<std::string>* damage);
  void MakeJudges(const ProjectOptions& options);
  base::Status OpenIngest(const std::string& folder, const ProjectOptions& options, std::vector<std::string>* damage);
  void Begin(const ProjectOptions& options);

  const std::string name_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<catalog::Catalog> catalog_;
  std::unique_ptr<catalog::Findings> findings_;
  std::unique_ptr<catalog::Knowledge> knowledge_;
  std::unique_ptr<query::LogSource> logs_;
  std::unique_ptr<monitor::Diagnostician> diagnostician_;
  std::unique_ptr<monitor::People> people_;  // null: nobody is told
  std::unique_ptr<monitor::RuleActions> rule_actions_;
  std::unique_ptr<monitor::Detection> detection_;
  std::unique_ptr<IncidentWords> incident_words_;
  std::unique_ptr<monitor::IncidentClerk> incident_clerk_;
  std::unique_ptr<ingest::Ingest> ingest_;
  std::unique_ptr<JobCustody> custody_;
  std::unique_ptr<monitor::JobLives> lives_;  // null: nobody is told
  std::mutex mutex_;                          // guards routes_
  api::HttpServer::Handler routes_;
};

}  // namespace rankscope
