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

#include "agent/keeper.h"
#include "agent/launch.h"
#include "agent/run_directory.h"
#include "base/file.h"
#include "commands.h"

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

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
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

// Where the Python package lies: beside the program, built or installed.
std::string PythonPath() {
  std::string program = ProgramPath();
  std::string prefix = program.substr(0, program.rfind("/bin/"));
  std::string path = prefix + "/lib/rankscope/python";
  return access((path + "/rankscope/__init__.py").c_str(), R_OK) == 0 ? path : "";
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

base::Result<std::string> MakeRunDirectory(agent::RunConfig* config) {
  std::string name = std::to_string(getpid()) + "-" + RandomHex(4);
  std::string directory = agent::StateHome() + "/runs/" + name;
  RETURN_IF_ERROR(base::MakeDirectories(directory));
  if (chmod(directory.c_str(), 0700) != 0) return base::Status::FromErrno(directory, errno);  // it holds the token
  config->rings = MakeRingsDirectory(directory, name);
  RETURN_IF_ERROR(agent::WriteRunConfig(directory, *config));
  return directory;
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

}  // namespace

int Run(const RunOptions& options) {
  auto server = FindOrStartServer(options.server);
  if (!server.ok()) return Fail(server.status());
  agent::RunConfig config;
  config.server = *server;
  config.project = Environment("RANKSCOPE_PROJECT");
  config.token = Environment("RANKSCOPE_TOKEN");
  config.job = options.job.empty() ? agent::JobIdFrom(getenv, options.command) : options.job;
  if (config.job.empty()) config.job = NewJobId();
  config.host = HostName();
  config.sample_interval_s = options.sample_interval_s;
  config.spool_limit_bytes = options.spool_limit_bytes;
  agent::Identity identity = agent::IdentityFrom(getenv);
  std::string node = agent::OptionOf(options.command, "node-rank");
  config.node_rank = identity.node_rank.value_or(node.empty() ? 0 : std::atoi(node.c_str()));

  auto directory = MakeRunDirectory(&config);
  if (!directory.ok()) return Fail(directory.status());
  agent::KeeperOptions keeper;
  keeper.run_directory = *directory;
  keeper.job = config.job;
  keeper.command = options.attach_pid > 0 ? CommandOf(options.attach_pid) : options.command;
  keeper.attach_pid = options.attach_pid;
  keeper.ready_fd = options.ready_fd;
  keeper.python_path = PythonPath();
  keeper.rings = config.rings;
  keeper.log_interval_steps = options.log_interval_steps;
  keeper.buffering = options.buffering;
  keeper.agent_command = {ProgramPath(), "agent", "--run-dir", *directory};
  keeper.flush_timeout_ms = options.flush_timeout_ms;
  for (const std::string& label : options.labels) {
    size_t equals = label.find('=');
    if (equals == std::string::npos) return Fail(base::Status::Invalid("--label \"" + label + "\" is not KEY=VALUE"));
    keeper.labels.emplace_back(label.substr(0, equals), label.substr(equals + 1));
  }
  if (options.attach_pid == 0) {
    std::fprintf(stderr, "rankscope: job %s (rankscope logs --job_id %s -f)\n", config.job.c_str(), config.job.c_str());
  }
  auto ended = agent::RunKeeper(keeper);
  if (!ended.ok()) return Fail(ended.status());
  if (options.attach_pid > 0) return 0;
  EndAs(*ended);
}

}  // namespace rankscope
