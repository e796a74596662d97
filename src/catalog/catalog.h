#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/record_sink.h"

namespace rankscope::catalog {

// Event records (stream `event`) that the catalog understands, by their field "event". Those of a keeper have "run",
// the name of their `rankscope run`.
//   job_start            member, world_size, command, environment, git_commit, … (all kept as run configuration)
//   rank_start           pid, source ("hook": its Python reports; "console": it has a channel of its own; "exit only":
//                        it prints into the launcher's)
//   rank_gpu             gpu_uuid
//   training_arguments, versions   kept as run configuration
//   rank_exit            pid, exit_code | signal ("SIGKILL"), exit_source, oom_kill
//   node_end             exit_code | signal: of the launcher on that node
//   action               action, action_id, outcome, by, note, limit_s: of the job or, with a rank, what that one did
struct RankRow {
  int32_t attempt = 0;
  int32_t rank = 0;
  std::optional<int32_t> node_rank, local_rank;
  std::string host, gpu_uuid, source;
  std::string run;  // the `rankscope run` that keeps it
  int64_t pid = 0;
  std::string exit;  // "", "exit 1", "SIGKILL", "SIGKILL (oom)"
};

// Somebody's word that a job is to stay.
struct Pin {
  std::string by, note;  // who, why
  base::TimeNs at = 0;
};

// That all ranks of a job wait between two steps, as somebody has asked for.
struct Pause {
  base::TimeNs since = 0;
  std::optional<int64_t> step;  // before which they wait
  int64_t limit_s = 0;          // so long at most
  std::string by, note;         // who asked for it, and why
  std::string action;           // its id
};

struct JobRow {
  std::string project, job;
  std::string state;      // running | finished | failed | lost | imported (files, and no run of ours watched its end)
  std::string reason;     // "rank 2: SIGKILL (exit_source pidfd)", "no word for 75 s"
  std::string diagnosis;  // of its last attempt: "cuda_oom on rank 3: ROOT LINE"; empty: none, or that nothing is wrong
  int32_t attempt = 0;
  int32_t ranks_seen = 0, ranks_expected = 0;
  std::optional<int64_t> last_step;
  std::optional<double> last_loss;
  base::TimeNs started = 0, last_heard = 0;
  uint64_t records = 0;                              // that have come of it, but judgements
  std::map<std::string, std::string> configuration;  // of job_start
  std::optional<Pin> pin;
  std::optional<Pause> pause;  // of one that runs
};

// What has become of a job that a run of ours watches.
struct JobLife {
  std::string job, state, reason;  // as in JobRow
  int32_t ranks_expected = 0;
  std::optional<int64_t> last_step;
  base::TimeNs launched = 0, ended = 0;  // of the last launch; ended 0: it goes on, as far as is known
  base::TimeNs last_heard = 0;
};

// Jobs, attempts and ranks, derived from the records alone and kept in SQLite (FOLDER/catalog.sqlite) together with
// the journal position, in one transaction a batch: a restart goes on where it was. What people say of a job, its pin,
// is kept beside them. All methods from any thread.
class Catalog : public model::RecordSink {
 public:
  // `project` is the one whose jobs Job and Ranks name.
  static base::Result<std::unique_ptr<Catalog>> Open(const std::string& folder, const std::string& project);

  // States are judged at `now`: a running job without a record for `lost_after` ns is lost. Newest first.
  virtual base::Result<std::vector<JobRow>> Jobs(base::TimeNs now, int64_t lost_after) = 0;
  virtual base::Result<JobRow> Job(const std::string& job, base::TimeNs now, int64_t lost_after) = 0;  // kNotFound
  virtual base::Result<std::vector<RankRow>> Ranks(const std::string& job) = 0;

  // What has become of the jobs that runs of ours watch: of those that go on, and of those that ended since.
  virtual std::vector<JobLife> Lives(base::TimeNs now, int64_t lost_after, base::TimeNs since) = 0;

  // The jobs that live and have said nothing for a second, each with how far its time has come: that of its last
  // record, and what has passed since it came. One that has been silent for an hour is over, whatever it said; so are
  // imports of what happened earlier.
  virtual std::vector<model::JobTime> SilentJobs(base::TimeNs now) = 0;

  // These are durable when they return; after an error they hold until the next restart, and are tried again until
  // then. kNotFound: there is no such job, or no pin. A pinned job that is pinned again has the new pin.
  virtual base::Status PinJob(const std::string& job, const Pin& pin) = 0;
  virtual base::Status UnpinJob(const std::string& job) = 0;
  // Its records were files, or will be: where no run of ours is of the job, its state is `imported` from its first
  // record on. Until that comes there is no such job.
  virtual base::Status NoteImport(const std::string& job, const std::string& from) = 0;
  // Forgets the job, its pin too. The records that it was derived from make no replay bring it back; further ones do.
  virtual base::Status DeleteJob(const std::string& job) = 0;

  // The job that a `rankscope run` belongs to which knows its launch only by a key: catalog/launches.h.
  virtual std::string JoinLaunch(const std::string& key, const std::string& member, base::TimeNs now,
                                 int64_t lost_after) = 0;
  // The attempt with which a `rankscope run` of a job that the user named begins: likewise.
  virtual int32_t FirstAttempt(const std::string& job, const std::string& member, base::TimeNs now,
                               int64_t lost_after) = 0;
};

}  // namespace rankscope::catalog
