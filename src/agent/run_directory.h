#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/status.h"
#include "model/record.h"

namespace rankscope::agent {

// The folder that the keeper (`rankscope run`) and the agent of one run share:
//   run.json   RunConfig      capture/  what the keeper read     spool/  frames not yet acknowledged
//   status     agent → keeper: Progress, three u64
//   trouble    agent → keeper: why it reaches no server, while it does not
//   alerts     agent → keeper: lines for the terminal (alerts.h)
// and beside it, in memory (/dev/shm), the folder of the processes' metric rings, and in /tmp that of the keeper's
// door.
struct RunConfig {
  std::string server;          // HTTP HOST:PORT
  std::string data_dir;        // of the local server, whose address may change; empty where a server was named
  std::string project, token;  // project "": the token's, else "default"
  std::string job, host;
  std::string run;     // this `rankscope run`, unlike any other
  std::string member;  // its place in the launch, the same when it is launched again
  std::string rings;   // the folder of the metric rings
  std::optional<int32_t> node_rank;
  int32_t first_attempt = 0;   // of this launch of the job; launchers count from 0 each time
  int sample_interval_s = 10;  // of host and GPU samples; 0: none
  uint64_t spool_limit_bytes = 4ull << 30;
  bool alerts = false;  // somebody reads what the server finds (alerts.h)
};

// Where the server is now: the local one says so in its data directory.
std::string CurrentServer(const RunConfig& config);

// Makes of a source's origin that of a record, once: fills in what a source does not know (project, job, host, node
// rank) and counts its attempt on from those of the job's earlier launches.
void CompleteOrigin(const RunConfig& config, model::Origin* origin);

// The folder of the keeper's RankDoor: a path short enough for a socket's.
std::string DoorFolder(const RunConfig& config);

base::Status WriteRunConfig(const std::string& directory, const RunConfig& config);
base::Result<RunConfig> ReadRunConfig(const std::string& directory);

struct Progress {
  uint64_t spooled = 0, acknowledged = 0;  // last sequence numbers
  uint64_t keeper_records = 0;             // how many of those that the keeper wrote are among the spooled

  bool operator==(const Progress&) const = default;
};
void WriteProgress(const std::string& directory, const Progress& progress);
Progress ReadProgress(const std::string& directory);  // zeros when there is none yet

// Why the agent reaches no server; empty: it does, or has not tried yet.
void WriteTrouble(const std::string& directory, const std::string& why);
std::string ReadTrouble(const std::string& directory);

// $XDG_STATE_HOME/rankscope or ~/.local/state/rankscope; where runs/ lie.
std::string StateHome();
// $XDG_DATA_HOME/rankscope or ~/.local/share/rankscope: the embedded server's data.
std::string DataHome();

}  // namespace rankscope::agent
