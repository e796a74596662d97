#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "agent/run_directory.h"
#include "base/clock.h"
#include "base/environment.h"
#include "base/file.h"
#include "base/host_port.h"
#include "commands.h"
#include "endpoint_file.h"

namespace rankscope {
namespace {

constexpr int64_t kStartTimeout = 60 * base::kNsPerSecond;
constexpr int64_t kAgainAfter = base::kNsPerSecond / 2;

std::string LogOf(const std::string& data_dir) { return data_dir + "/server.log"; }

pid_t StartServer(const std::string& data_dir, int log) {
  pid_t child = fork();
  if (child != 0) return child;
  setsid();
  int null = open("/dev/null", O_RDWR);
  dup2(null, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  std::string program = ProgramPath();
  execl(program.c_str(), program.c_str(), "serve", "--data-dir", data_dir.c_str(), "--http", "127.0.0.1:0", "--grpc",
        "127.0.0.1:0", "--idle-exit", "30", nullptr);
  _exit(127);
}

// What it said last of `said`, as it ends.
std::string LastLine(std::string_view said) {
  constexpr std::string_view kOurs = "rankscope: ";
  while (said.ends_with('\n')) said.remove_suffix(1);
  said = said.substr(said.rfind('\n') + 1);
  if (said.starts_with(kOurs)) said.remove_prefix(kOurs.size());
  return std::string(said);
}

// What the log has beyond that place; the servers of a directory share it.
std::string LogSince(const std::string& data_dir, size_t place) {
  auto log = base::ReadWholeFile(LogOf(data_dir));
  return log.ok() && log->size() > place ? log->substr(place) : "";
}

base::Status DidNotStart(const std::string& data_dir, const std::string& said) {
  std::string text = "the local server on " + data_dir + " did not start", why = LastLine(said);
  return base::Status::Unavailable(text + (why.empty() ? "" : ": " + why) + "; see " + LogOf(data_dir));
}

// As people copy it out of a browser: http://HOST:PORT/.
std::string_view WithoutScheme(std::string_view name) {
  constexpr std::string_view kScheme = "http://";
  if (name.starts_with(kScheme)) name.remove_prefix(kScheme.size());
  if (name.ends_with('/')) name.remove_suffix(1);
  return name;
}

}  // namespace

base::Result<std::string> NamedServer(const std::string& given) {
  std::string name = given.empty() ? base::EnvironmentVariable("RANKSCOPE_SERVER") : given;
  if (name.empty()) return name;
  auto address = base::ParseHostPort(WithoutScheme(name));
  if (address.ok()) return std::string(WithoutScheme(name));
  return base::Status::Invalid((given.empty() ? "$RANKSCOPE_SERVER " : "--server ") + address.status().message());
}

base::Result<std::string> FindOrStartServer(const std::string& given) {
  ASSIGN_OR_RETURN(std::string named, NamedServer(given));
  if (!named.empty()) return named;
  std::string data_dir = agent::DataHome();
  RETURN_IF_ERROR(base::MakeDirectories(data_dir));
  if (std::string address = LivingEndpoint(data_dir); !address.empty()) return address;
  ASSIGN_OR_RETURN(base::UniqueFd log, base::OpenFile(LogOf(data_dir), O_WRONLY | O_CREAT | O_APPEND));
  const int64_t begun = base::MonotonicNow();
  size_t said_before = 0;
  pid_t child = 0;
  for (int64_t now = begun, start_at = begun; now - begun < kStartTimeout; now = base::MonotonicNow()) {
    if (child == 0 && now >= start_at) {
      said_before = static_cast<size_t>(std::max<off_t>(lseek(log.get(), 0, SEEK_END), 0));
      child = StartServer(data_dir, log.get());
    }
    poll(nullptr, 0, 20);
    if (std::string address = LivingEndpoint(data_dir); !address.empty()) return address;
    if (child < 0) break;
    if (child == 0 || waitpid(child, nullptr, WNOHANG) == 0) continue;
    if (LogSince(data_dir, said_before).find(kServedByAnother) == std::string::npos) break;
    child = 0;  // another one starts just now, or is about to end
    start_at = now + kAgainAfter;
  }
  return DidNotStart(data_dir, LogSince(data_dir, said_before));
}

}  // namespace rankscope
