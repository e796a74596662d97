#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "access/gate.h"
#include "api/routes.h"
#include "diagnose/actions/job_actions.h"
#include "project.h"
#include "retention_rules.h"
#include "wire/ingest_service.h"

namespace rankscope {

// All projects of a server, each with a journal, segments and a catalog of its own under DATA/projects/NAME: what is
// another project's cannot be reached from it. Takes the agents' streams to where their token belongs. Any thread.
class Projects : public wire::FrameReceiver {
 public:
  // Opens what is there, and "default". `damage` gets a sentence per damage.
  static base::Result<std::unique_ptr<Projects>> Open(const std::string& data_dir, access::Gate* gate,
                                                      const ProjectOptions& options, std::vector<std::string>* damage);
  ~Projects() override;

  // Opens a project at its first agent.
  base::Result<uint64_t> Greet(wire::Hello* hello) override;
  void Submit(const wire::Hello& hello, wire::Frame frame, std::function<void(Outcome)> done) override;
  void SubmitLost(const wire::Hello& hello, wire::Lost lost, std::function<void(Outcome)> done) override;

  void Answer(const wire::Hello& hello, const model::JobAnswer& answer) override;

  // The ranks of the job's newest attempt that have begun and not ended. kNotFound.
  base::Result<diagnose::JobRanks> LiveRanks(const std::string& project, const std::string& job);
  // What came of what the finding's rule wanted done: durable, with its event record, when it returns.
  base::Status Conclude(const std::string& project, const std::string& finding, model::Record event);
  // Where records for the project go; it is opened at its first.
  base::Result<ingest::Ingest*> IngestOf(const std::string& project);
  // kNotFound for a project that nothing was sent to yet, unless it `may_begin` with this request. `doors` names
  // everything but the project's own.
  base::Result<api::HttpServer::Handler> Routes(const std::string& project, bool may_begin, const api::Services& doors);
  // Whether every project takes records and writes them.
  bool AllTakeRecords();
  // Judges by these rules from now on, in every project.
  void UseRules(const std::shared_ptr<const detect::RuleSet>& rules);
  // From now on removes every so many seconds what the rules say is due, of each project, until Close. Once.
  void StartRetention(RetentionRules rules, int every_s);
  // From now on tells people once a second what has become of the jobs of each project, until Close. Once.
  void StartTelling();
  // Commits what was submitted and writes segments. REQUIRES no stream and no request.
  base::Status Close();

 private:
  Projects(const std::string& data_dir, access::Gate* gate, const ProjectOptions& options);
  base::Result<Project*> Admit(const wire::Hello& hello);
  base::Result<Project*> Find(const std::string& name);
  base::Result<Project*> FindOrOpen(const std::string& name);
  // Calls it until Close.
  std::thread Repeat(std::chrono::seconds every, std::function<void()> work);
  std::vector<Project*> All();
  void ExpireAll(const RetentionRules& rules);
  void TellAll(std::string* said);
  void StopRepeating();
  base::Result<Project*> OpenProject(const std::string& name, std::vector<std::string>* damage);

  const std::string folder_;
  access::Gate* gate_;
  std::mutex mutex_;        // guards what follows; projects stay until Close
  ProjectOptions options_;  // but for its rules it stays as it is
  std::map<std::string, std::unique_ptr<Project>> projects_;
  std::condition_variable closed_;
  bool closing_ = false;
  std::thread retention_, telling_;
};

}  // namespace rankscope
