#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "model/action.h"

// What may be done about a running job, by a rule or by hand. docs/actions.md
namespace rankscope::diagnose {

struct ActionRequest {
  std::string project, job;
  model::Action action;
  std::string by, note;         // who wants it, and why
  std::string finding;          // that asks for it, for the first time or again; empty: a person does
  std::string incident;         // of the finding
  bool again = false;           // it was begun before, by a server that ended before there was an outcome
  std::optional<int32_t> rank;  // of the finding
  int64_t hold_s = 0;           // pause_job: at most so long; 0: as long as the collectives' timeout allows
};

struct RankOutcome {
  int32_t rank = 0;
  std::string outcome;  // model/job_order.h; "no answer" of one that has none to give
  std::optional<int64_t> step;
  std::string detail;
};

struct ActionReport {
  std::string id;
  ActionRequest request;
  base::TimeNs began = 0;
  std::string state = "running";  // | held: resume_job ends it | done
  // held, resumed, stopped, captured, set, marked, sent; refused: nothing was done; given_up: it was begun and undone;
  // incomplete: of some ranks only
  std::string outcome;
  std::string summary;          // for people
  std::optional<int64_t> step;  // before which the ranks wait or end
  int64_t limit_s = 0;          // so long they wait at most; 0: not known yet, or it is no hold
  int32_t attempt = 0;          // of the job
  std::vector<RankOutcome> ranks;
};

// Of the action that a finding asks for, however often it is begun.
inline std::string IdOfFindingsAction(const std::string& finding) { return "a-" + finding; }

// The way of an action from who wants it (rules, people) to who does it. Any thread.
class ActionPort {
 public:
  virtual ~ActionPort() = default;
  // kUnavailable: not yet, as the server has just started: it is not ready, or the job's agents may still come back; or
  // not any more, as it is stopping.
  virtual base::Status CanBegin(const ActionRequest& request) const = 0;
  // Begins it; its report, which goes on. kInvalid: it is no action, or the job is held already. What cannot be done
  // for the job's own sake (it is not running, it does not allow it) is an outcome, not an error.
  virtual base::Result<ActionReport> Begin(const ActionRequest& request) = 0;
  // kNotFound: none of this server's run.
  virtual base::Result<ActionReport> Find(const std::string& project, const std::string& id) const = 0;
  // Of a job, the newest first.
  virtual std::vector<ActionReport> List(const std::string& project, const std::string& job) const = 0;
};

}  // namespace rankscope::diagnose
