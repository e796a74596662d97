#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "api/http_server.h"
#include "api/job_control.h"
#include "catalog/catalog.h"
#include "catalog/findings.h"

namespace rankscope::api {

// The routes of jobs: which there are, which one a launch is, and what people decide about them.
class JobRoutes {
 public:
  using Reply = std::shared_ptr<Responder>;
  struct Parts {
    catalog::Catalog* catalog;
    catalog::Findings* findings;
    JobControl* control;
    std::string project;
    int64_t lost_after_ns;
    // Tells the agents of a running job to log every so many steps; returns how many there are.
    std::function<int(const std::string& project, const std::string& job, uint32_t steps)> set_log_interval_steps;
  };
  explicit JobRoutes(Parts parts) : parts_(std::move(parts)) {}

  // A line a job, newest first.
  void List(const Reply& reply) const;
  // With its ranks.
  void Get(const Reply& reply, const std::string& job) const;
  // force=true: although it is pinned or runs.
  void Delete(const Request& request, const Reply& reply, const std::string& job) const;
  // Body {"by": WHO, "note": WHY}.
  void Pin(const Request& request, const Reply& reply, const std::string& job) const;
  void Unpin(const Reply& reply, const std::string& job) const;
  // Body {"from": PATH}.
  void NoteImport(const Request& request, const Reply& reply, const std::string& job) const;
  // Body {"log_interval_steps": N}. Answers how many agents were told.
  void Set(const Request& request, const Reply& reply, const std::string& job) const;
  // Body {"key": K, "member": M}, or "job_id" in place of "key". Answers the launch's job and its first attempt.
  void Launch(const Request& request, const Reply& reply) const;

 private:
  const Parts parts_;
};

}  // namespace rankscope::api
