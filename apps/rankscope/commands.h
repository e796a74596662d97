#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/budget.h"
#include "base/clock.h"
#include "base/status.h"
#include "cli/rule_files.h"

// The commands that join rooms; each is one file here. Exit codes are the process's.
namespace rankscope {

struct ServeOptions {
  std::string data_dir;
  std::string http = "127.0.0.1:7070";
  std::string grpc;            // empty: port 7071 of http's host
  std::string grpc_advertise;  // where agents are told to connect, if not to grpc
  int idle_exit_s = 0;         // an embedded server ends itself when nobody has needed it for so long
  int lost_after_s = 60;
  std::optional<double> gpu_hour_price;  // of one rank
  std::string topology;                  // a file; empty: none is known
  base::Budget::Limits query_limits{
      .memory_bytes = 128 << 20, .time_ns = 300 * base::kNsPerSecond, .rows = 100'000'000};
  std::vector<std::string> retention, retention_bytes;  // [PROJECT=]VALUE
  int retention_every_s = 60;
  size_t memtable_bytes = 16 << 20;  // for tests: how much is sealed at a time
  bool detect = true;
  cli::RuleSources rules;
  std::string notify;     // the notification file; empty: nobody is told
  bool insecure = false;  // serve other addresses than loopback without tokens
};
int Serve(const ServeOptions& options);
// What it says where another one has the data directory.
inline constexpr char kServedByAnother[] = " is served by another rankscope";

struct RunOptions {
  std::string server, job, buffering = "line";
  std::vector<std::string> labels, command;
  int flush_timeout_ms = 2000;
  int attach_pid = 0, ready_fd = -1;  // `rankscope keep`: what rankscope.init() starts for its process
  int sample_interval_s = 10;
  uint64_t spool_limit_bytes = 4ull << 30;
  bool preload = false;         // give ranks that are not Python a channel of their own, by LD_PRELOAD
  std::string alerts = "auto";  // always | never; auto: where stderr is a terminal
  bool allow_pause = false;     // people and rules may hold the job
  int log_interval_steps = 0;   // 0: $RANKSCOPE_LOG_INTERVAL_STEPS, else 10
};
int Run(const RunOptions& options);

// verify (exit code 1: damage), stats or compact a data directory.
struct StoreOptions {
  std::string action, directory;
  bool json = false;  // what stats and verify find: an object a job, or a store and its journal
};
int StoreCommand(const StoreOptions& options);

// `rankscope token create|list|revoke`: the tokens of the server on a data directory, running or not.
struct TokenOptions {
  std::string data_dir, project = "default", role = "writer", note, id;
};
std::string TokenFile(const std::string& data_dir);
int CreateToken(const TokenOptions& options);
int ListTokens(const TokenOptions& options, bool json);
int RevokeToken(const TokenOptions& options);

// `rankscope spool push`: sends what a run left behind, and says what.
struct PushOptions {
  std::string directory;
  std::string server, token;  // empty: the run's
  int64_t give_up_after_s = 60;
};
int PushSpool(const PushOptions& options);

int Doctor(const std::string& server, bool json);

// Detectors in Python over what the server has of a job, or of every running one.
struct DetectWorkerOptions {
  std::string server, file, job, from = "start";
};
int DetectWorker(const DetectWorkerOptions& options);

// --server, else $RANKSCOPE_SERVER, else "": HOST:PORT, which may be given as http://HOST:PORT/. kInvalid: it is none.
base::Result<std::string> NamedServer(const std::string& given);
// The server to ask: --server, $RANKSCOPE_SERVER, the one that runs on the local data directory; else one is started
// there, which ends itself when it is idle. HOST:PORT.
base::Result<std::string> FindOrStartServer(const std::string& given);

std::string ProgramPath();
std::string LibraryFolder();            // what lies beside the program, built or installed
std::string ShippedRules();             // the folder of rule files there
std::string PythonPath();               // of the Python package there; empty: it is not
void Say(const std::string& sentence);  // on stderr, as the program's own
int Fail(const base::Status& status);   // says it; the exit code

}  // namespace rankscope
