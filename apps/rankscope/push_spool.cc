#include <cinttypes>
#include <cstdio>

#include "agent/agent.h"
#include "agent/run_directory.h"
#include "agent/ship/server_address.h"
#include "base/counted.h"
#include "base/environment.h"
#include "cli/named_input.h"
#include "commands.h"

namespace rankscope {
namespace {

// A run of no named server had one on the local data directory, which ends itself when it is idle.
base::Result<std::string> ServerOf(const PushOptions& options, const agent::RunConfig& config) {
  if (!options.server.empty()) return NamedServer(options.server);
  bool local = config.data_dir == agent::DataHome() && base::EnvironmentVariable("RANKSCOPE_SERVER").empty();
  return local ? FindOrStartServer("") : base::Result<std::string>(agent::CurrentServer(config));
}

base::Status Reach(const std::string& server, const std::string& directory) {
  auto answer = agent::AskServer(server);
  if (answer.ok()) return {};
  return base::Status::Unavailable(answer.status().message() + "; nothing was sent and " + directory +
                                   " stays as it is: start that server, or name another with --server HOST:PORT");
}

base::Status Push(const PushOptions& options) {
  auto read = agent::ReadRunConfig(options.directory);
  if (!read.ok()) {
    return cli::Unreadable(
        read.status().WithContext(options.directory + " is no run's directory (`rankscope doctor` lists them)"));
  }
  const agent::RunConfig& config = *read;
  ASSIGN_OR_RETURN(std::string server, ServerOf(options, config));
  RETURN_IF_ERROR(Reach(server, options.directory));
  agent::AgentOptions agent;
  agent.run_directory = options.directory;
  agent.drain = true;
  agent.server = server;
  agent.token = options.token;
  agent.give_up_after_s = options.give_up_after_s;
  ASSIGN_OR_RETURN(agent::Shipped shipped, agent::RunAgent(agent));
  uint64_t sent = shipped.records - shipped.held_before - shipped.lost;
  std::printf("job %s: %s sent to %s", config.job.c_str(), base::Counted(sent, "record").c_str(), server.c_str());
  if (shipped.held_before > 0) std::printf(", which had %" PRIu64 " before", shipped.held_before);
  const std::string gone = shipped.kept_in.empty() ? " is removed" : " is kept as " + shipped.kept_in;
  std::printf("; %s%s\n", options.directory.c_str(), gone.c_str());
  if (shipped.lost == 0) return {};
  return base::Status::Corrupt(options.directory + ": " + base::Counted(shipped.lost, "record") +
                               " had been damaged on its disk and could not be sent; the job's stream says which" +
                               (shipped.kept_in.empty() ? "" : ", and " + shipped.kept_in + "/capture may hold them"));
}

}  // namespace

int PushSpool(const PushOptions& options) {
  base::Status status = Push(options);
  return status.ok() ? 0 : Fail(status);
}

}  // namespace rankscope
