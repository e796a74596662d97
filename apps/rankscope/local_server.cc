#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "agent/run_directory.h"
#include "base/clock.h"
#include "base/file.h"
#include "commands.h"

namespace rankscope {
namespace {

constexpr int64_t kStartTimeout = 30 * base::kNsPerSecond;

// The address that a server on the directory wrote, if it lives: it holds the directory's lock.
std::string RunningOn(const std::string& data_dir) {
  auto text = base::ReadWholeFile(data_dir + "/server.json");
  if (!text.ok() || base::LockFile(data_dir + "/LOCK").ok()) return "";
  auto json = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json.value("http", "") : "";
}

void StartServer(const std::string& data_dir) {
  if (fork() != 0) return;
  setsid();
  auto log = base::OpenFile(data_dir + "/server.log", O_WRONLY | O_CREAT | O_APPEND);
  int null = open("/dev/null", O_RDWR);
  dup2(null, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  dup2(log.ok() ? log->get() : null, STDERR_FILENO);
  std::string program = ProgramPath();
  execl(program.c_str(), program.c_str(), "serve", "--data-dir", data_dir.c_str(), "--http", "127.0.0.1:0", "--grpc",
        "127.0.0.1:0", "--idle-exit", "30", nullptr);
  _exit(127);
}

}  // namespace

base::Result<std::string> FindOrStartServer(const std::string& given) {
  if (!given.empty()) return given;
  if (const char* set = std::getenv("RANKSCOPE_SERVER"); set && *set) return std::string(set);
  std::string data_dir = agent::DataHome();
  RETURN_IF_ERROR(base::MakeDirectories(data_dir));
  if (std::string address = RunningOn(data_dir); !address.empty()) return address;
  StartServer(data_dir);
  for (int64_t begin = base::MonotonicNow(); base::MonotonicNow() - begin < kStartTimeout;) {
    poll(nullptr, 0, 20);
    if (std::string address = RunningOn(data_dir); !address.empty()) return address;
  }
  return base::Status::Unavailable("the local server on " + data_dir + " did not start; see " + data_dir +
                                   "/server.log");
}

}  // namespace rankscope
