#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>

#include "access/role.h"
#include "agent/child_process.h"
#include "agent/keeper/keeper.h"
#include "agent/launch.h"
#include "agent/orphan_runs.h"
#include "agent/run_directory.h"
#include "base/environment.h"
#include "base/file.h"
#include "base/json_text.h"
#include "base/shell_word.h"
#include "cli/http_client.h"
#include "commands.h"
#include "model/job_id.h"

namespace rankscope {
namespace {

std::string RandomHex(size_t bytes) {
  unsigned char random[16] = {};
  (void)!getrandom(random, bytes, 0);
  std::string out;
  for (size_t i = 0; i < bytes; ++i) {
    char hex[3];
    std::snprintf(hex, sizeof hex, "%02x", random[i]);
    out += hex;
  }
  return out;
}

std::string NewJobId() {
  time_t now = time(nullptr);
  tm parts{};
  gmtime_r(&now, &parts);
  char day[32];
  std::strftime(day, sizeof day, "j-%Y%m%d-%H%M%S-", &parts);
  return day + RandomHex(2);
}

std::string HostName() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  return name;
}

// Into our environment, which the command inherits.
base::Status Preload() {
  std::string library = LibraryFolder() + "/librankscope_preload.so";
  if (::access(library.c_str(), R_OK) != 0) return base::Status::NotFound("--preload: " + library + " is not there");
  base::PrependToVariable("LD_PRELOAD", library);
  return {};
}

// The command line of a running process.
std::vector<std::string> CommandOf(int pid) {
  auto text = base::ReadWholeFile("/proc/" + std::to_string(pid) + "/cmdline");
  std::vector<std::string> command;
  for (size_t at = 0; text.ok() && at < text->size(); at += command.back().size() + 1) {
    command.emplace_back(text->c_str() + at);
  }
  return command;
}

// Rings lie in memory; where there is no /dev/shm, in the run directory.
std::string MakeRingsDirectory(const std::string& run_directory, const std::string& name) {
  std::string shared = "/dev/shm/rankscope-" + name;
  if (mkdir(shared.c_str(), 0700) == 0) return shared;
  std::string beside = run_directory + "/rings";
  return mkdir(beside.c_str(), 0700) == 0 ? beside : "";
}

// The job and its first attempt. The server knows whether a launch of this key or job goes on, and how many there were.
// Where it does not answer, the key itself is the job on all nodes alike: the training is not held up.
base::Status JoinLaunch(const nlohmann::json& launch, long patience_ms, agent::RunConfig* config) {
  auto take = [&](std::string_view line) {
    auto answer = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!answer.is_object()) return true;
    config->job = answer.value("job_id", config->job);
    config->first_attempt = answer.value("first_attempt", 0);
    return true;
  };
  return cli::PostLines(config->server, "/api/v1/launches", base::JsonText(launch), take, patience_ms);
}

void ChooseJob(const RunOptions& options, const agent::Launch& launch, agent::RunConfig* config) {
  constexpr long kPatienceMs = 10'000;  // of a loaded server: the name of the job hangs on it, or its attempt
  bool named = !options.job.empty();
  config->job = named ? options.job : launch.key.empty() ? NewJobId() : model::JobIdFrom(launch.key);
  if (!named && launch.key.empty()) return;
  nlohmann::json member = {{named ? "job_id" : "key", config->job}, {"member", launch.member}};
  auto joined = JoinLaunch(member, kPatienceMs, config);
  // Of a named job only the count of its attempts is lost, and that the server is not there is said at the end.
  if (!joined.ok() && !named) Say(joined.message());
}

// Each node's own server would keep its part of the job: said, with what to do, and not refused.
void AdviseSeveralNodes(const agent::Launch& launch) {
  const std::string node = launch.master.empty() ? "NODE" : launch.master;
  const char* name = node.c_str();
  std::fprintf(stderr,
               "rankscope: a launch on %d nodes without --server: the records of this node stay on it. For one job, on "
               "node %s: rankscope token create; rankscope serve --http %s:7070 --grpc %s:7071; and on each: export "
               "RANKSCOPE_SERVER=%s:7070 RANKSCOPE_TOKEN=… (or, in a network that you trust: serve … --insecure, and "
               "no token)\n",
               launch.nodes, name, name, name, name);
}

base::Result<std::string> MakeRunDirectory(agent::RunConfig* config) {
  std::string name = std::to_string(getpid()) + "-" + RandomHex(4);
  std::string runs = agent::StateHome() + "/runs", directory = runs + "/" + name;
  RETURN_IF_ERROR(base::MakeDirectories(runs));
  if (mkdir(directory.c_str(), 0700) != 0) return base::Status::FromErrno(directory, errno);  // it holds the token
  config->run = name;
  config->rings = MakeRingsDirectory(directory, name);
  RETURN_IF_ERROR(agent::WriteRunConfig(directory, *config));
  return directory;
}

// What earlier runs on this node could not send, their agents killed, goes out in the background.
void AdoptOrphans(const std::string& host) {
  constexpr char kPatience[] = "600";  // seconds; a server that is gone for good is not asked for ever
  sigset_t signals;
  sigemptyset(&signals);
  for (const std::string& run : agent::OrphanRuns(agent::StateHome() + "/runs", host)) {
    agent::StartDetached({ProgramPath(), "agent", "--run-dir", run, "--drain", "--give-up-after", kPatience},
                         run + "/agent.log", signals);
  }
}

// Ends as the command ended: with its exit code, or by its signal.
[[noreturn]] void EndAs(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    int number = WTERMSIG(wait_status);
    signal(number, SIG_DFL);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, number);
    sigprocmask(SIG_UNBLOCK, &one, nullptr);
    raise(number);
    _exit(128 + number);
  }
  _exit(WEXITSTATUS(wait_status));
}

using Labels = std::vector<std::pair<std::string, std::string>>;

base::Result<Labels> ParseLabels(const std::vector<std::string>& texts) {
  Labels labels;
  for (const std::string& label : texts) {
    size_t equals = label.find('=');
    if (equals == std::string::npos || equals == 0)
      return base::Status::Invalid("--label \"" + label + "\" is not KEY=VALUE");
    labels.emplace_back(label.substr(0, equals), label.substr(equals + 1));
  }
  return labels;
}

base::Result<agent::RunConfig> Configure(const RunOptions& options) {
  ASSIGN_OR_RETURN(std::string server, FindOrStartServer(options.server));
  bool is_local = options.server.empty() && base::EnvironmentVariable("RANKSCOPE_SERVER").empty();
  agent::RunConfig config;
  config.server = server;
  if (is_local) config.data_dir = agent::DataHome();
  config.project = base::EnvironmentVariable("RANKSCOPE_PROJECT");
  config.token = base::EnvironmentVariable("RANKSCOPE_TOKEN");
  config.host = HostName();
  config.sample_interval_s = options.sample_interval_s;
  config.spool_limit_bytes = options.spool_limit_bytes;
  bool wanted = options.alerts == "always" || (options.alerts == "auto" && isatty(STDERR_FILENO) == 1);
  config.alerts = wanted && options.attach_pid == 0;
  agent::Launch launch = agent::LaunchFrom(getenv, options.command, config.host);
  if (launch.nodes > 1 && is_local) AdviseSeveralNodes(launch);
  ChooseJob(options, launch, &config);
  config.node_rank = launch.node_rank;
  config.member = launch.member;
  return config;
}

// A command that asks the run's server about its job. The environment, where it names the server, holds for it as well.
std::string Asking(const std::string& command, const RunOptions& options, const std::string& job) {
  std::string server = options.server.empty() ? "" : " --server " + options.server;
  return "rankscope " + command + server + (command == "show" ? " " : " --job_id ") + base::ShellWord(job);
}

// Where it did not end well: the launcher's last lines seldom say why. One that could not be started has been told.
void SayWhereToLook(const RunOptions& options, const std::string& job, int wait_status) {
  constexpr int kNotStarted = 127;
  if (wait_status == 0 || (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == kNotStarted)) return;
  std::fprintf(stderr, "rankscope: how each rank ended, and its last words: %s\n",
               Asking("show", options, job).c_str());
}

// The command's wait status. Fails only before the command has begun.
base::Result<int> RunRecorded(const RunOptions& options, Labels labels) {
  ASSIGN_OR_RETURN(agent::RunConfig config, Configure(options));
  AdoptOrphans(config.host);
  ASSIGN_OR_RETURN(std::string directory, MakeRunDirectory(&config));
  agent::KeeperOptions keeper;
  keeper.run_directory = directory;
  keeper.job = config.job;
  keeper.command = options.attach_pid > 0 ? CommandOf(options.attach_pid) : options.command;
  keeper.attach_pid = options.attach_pid;
  keeper.ready_fd = options.ready_fd;
  keeper.python_path = PythonPath();
  keeper.rings = config.rings;
  keeper.door = agent::DoorFolder(config);
  keeper.log_interval_steps = options.log_interval_steps;
  keeper.buffering = options.buffering;
  keeper.allow_pause = options.allow_pause;
  keeper.agent_command = {ProgramPath(), "agent", "--run-dir", directory};
  keeper.alerts = config.alerts;
  keeper.flush_timeout_ms = options.flush_timeout_ms;
  keeper.labels = std::move(labels);
  if (std::string advice = agent::LoneRankAdvice(getenv, keeper.command); !advice.empty()) {
    Say(advice);
  }
  if (options.attach_pid == 0) {
    std::fprintf(stderr, "rankscope: job %s (%s -f)\n", config.job.c_str(),
                 Asking("logs", options, config.job).c_str());
  }
  ASSIGN_OR_RETURN(int wait_status, agent::RunKeeper(keeper));
  if (options.attach_pid == 0) SayWhereToLook(options, config.job, wait_status);
  return wait_status;
}

// Whatever is ill on our side, the training starts: as if we were not there.
[[noreturn]] void RunUnrecorded(const RunOptions& options, const base::Status& why, const sigset_t& signals) {
  std::fprintf(stderr, "rankscope: %s; the command runs all the same, and nothing of it is recorded\n",
               why.message().c_str());
  for (const char* name : {"RANKSCOPE_RUN", "RANKSCOPE_SOCKET", "RANKSCOPE_RINGS"}) unsetenv(name);
  signal(SIGPIPE, SIG_DFL);
  sigprocmask(SIG_SETMASK, &signals, nullptr);
  agent::ExecCommand(options.command);
}

}  // namespace

int Run(const RunOptions& options) {
  if (!options.job.empty()) {
    if (auto status = model::CheckJobId(options.job); !status.ok()) return Fail(status);
  }
  auto labels = ParseLabels(options.labels);
  if (!labels.ok()) return Fail(labels.status());
  if (auto named = NamedServer(options.server); !named.ok()) return Fail(named.status());
  // No server would ever take what is recorded for it.
  if (std::string project = base::EnvironmentVariable("RANKSCOPE_PROJECT"); !project.empty()) {
    if (auto status = access::CheckProjectName(project); !status.ok()) return Fail(status);
  }
  if (options.preload) {
    if (auto status = Preload(); !status.ok()) return Fail(status);
  }
  sigset_t signals;
  sigprocmask(SIG_SETMASK, nullptr, &signals);
  auto ended = RunRecorded(options, *std::move(labels));
  if (options.attach_pid > 0) return ended.ok() ? 0 : Fail(ended.status());
  if (!ended.ok()) RunUnrecorded(options, ended.status(), signals);
  EndAs(*ended);
}

}  // namespace rankscope
