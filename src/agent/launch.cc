#include "agent/launch.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>

#include "embed/launcher_variables.h"

namespace rankscope::agent {
namespace {

std::optional<int32_t> Number(const char* text) {
  if (!text) return std::nullopt;
  std::string_view view(text);
  int32_t value = 0;
  auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
  if (error != std::errc() || end != view.data() + view.size()) return std::nullopt;
  return value;
}

std::optional<int32_t> FirstNumber(const Environment& environment, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (auto value = Number(environment(name))) return value;
  }
  return std::nullopt;
}

std::string Text(const Environment& environment, const char* name) {
  const char* value = environment(name);
  return value ? value : "";
}

std::string Canonical(std::string_view option) {
  std::string name(option);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

// The first option of these that the command has, or the first variable.
std::string Stated(const Environment& environment, const std::vector<std::string>& command,
                   std::initializer_list<const char*> options, std::initializer_list<const char*> variables) {
  for (const char* option : options) {
    if (std::string value = OptionOf(command, option); !value.empty()) return value;
  }
  for (const char* variable : variables) {
    if (std::string value = Text(environment, variable); !value.empty()) return value;
  }
  return "";
}

// "2", or "1:4" of an elastic launch: the most.
int32_t NodesOf(const std::string& text) {
  return std::max(1, Number(text.substr(text.find(':') + 1).c_str()).value_or(1));
}

int32_t NodesFrom(const Environment& environment, const std::vector<std::string>& command) {
  int32_t nodes = NodesOf(Stated(environment, command, {"nnodes", "num-machines"}, {"NNODES", "SLURM_STEP_NUM_NODES"}));
  auto all = FirstNumber(environment, {"OMPI_COMM_WORLD_SIZE"});
  auto here = FirstNumber(environment, {"OMPI_COMM_WORLD_LOCAL_SIZE"});
  return all && here && *here > 0 ? std::max(nodes, (*all + *here - 1) / *here) : nodes;
}

// --rdzv-endpoint's host or the master's.
std::string MasterFrom(const Environment& environment, const std::vector<std::string>& command) {
  std::string endpoint = OptionOf(command, "rdzv-endpoint");
  if (!endpoint.empty()) return endpoint.substr(0, endpoint.rfind(':'));
  return Stated(environment, command, {"master-addr", "main-process-ip"}, {"MASTER_ADDR"});
}

std::string SlurmKey(const Environment& environment) {
  std::string key = Text(environment, "SLURM_JOB_ID");
  if (key.empty()) return "";
  std::string restart = Text(environment, "SLURM_RESTART_COUNT"), step = Text(environment, "SLURM_STEP_ID");
  if (!restart.empty() && restart != "0") key += "-" + restart;
  // Inside a step, SLURM_PROCID's; the batch script itself is none. A step after the first is another launch.
  if (!step.empty() && step != "0" && environment("SLURM_PROCID")) key += "-step" + step;
  return "slurm-" + key;
}

std::string KeyFrom(const Environment& environment, const std::vector<std::string>& command, const Launch& launch) {
  if (std::string slurm = SlurmKey(environment); !slurm.empty()) return slurm;
  if (std::string id = OptionOf(command, "rdzv-id"); !id.empty() && id != "none") return id;
  for (const char* name : {"PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid"}) {
    if (std::string id = Text(environment, name); !id.empty()) return "mpi-" + id;
  }
  if (launch.nodes < 2 || launch.master.empty()) return "";
  std::string endpoint = OptionOf(command, "rdzv-endpoint");
  size_t colon = endpoint.rfind(':');
  std::string port = colon != std::string::npos ? endpoint.substr(colon + 1)
                     : endpoint.empty()
                         ? Stated(environment, command, {"master-port", "main-process-port"}, {"MASTER_PORT"})
                         : "";
  return "j-" + launch.master + (port.empty() ? "" : "-" + port);
}

bool IsShell(std::string_view program) {
  std::string_view name = program.substr(program.rfind('/') + 1);
  return name == "sh" || name == "bash" || name == "dash";
}

}  // namespace

Identity IdentityFrom(const Environment& environment) {
  Identity identity;
  identity.local_rank = FirstNumber(environment, {RANKSCOPE_LOCAL_RANK_VARIABLES});
  if (environment("LOCAL_RANK")) identity.rank = Number(environment(RANKSCOPE_TORCH_RANK_VARIABLE));
  if (!identity.rank) identity.rank = FirstNumber(environment, {RANKSCOPE_RANK_VARIABLES});
  if (!identity.local_rank) identity.rank.reset();
  identity.node_rank = FirstNumber(environment, {RANKSCOPE_NODE_RANK_VARIABLES});
  identity.world_size = FirstNumber(environment, {RANKSCOPE_WORLD_SIZE_VARIABLES});
  identity.attempt = std::max(FirstNumber(environment, {RANKSCOPE_TORCH_ATTEMPT_VARIABLE}).value_or(0),
                              FirstNumber(environment, {RANKSCOPE_SLURM_ATTEMPT_VARIABLE}).value_or(0));
  return identity;
}

std::string LoneRankAdvice(const Environment& environment, const std::vector<std::string>& command) {
  std::string rank = Text(environment, RANKSCOPE_TORCH_RANK_VARIABLE);
  if (rank.empty() || IdentityFrom(environment).rank || (IsLauncher(command) && !IsShell(command[0]))) return "";
  return "RANK=" + rank +
         " without LOCAL_RANK is taken for a node's: where it is a rank's, set LOCAL_RANK as well, else what is "
         "recorded "
         "has no rank";
}

Launch LaunchFrom(const Environment& environment, const std::vector<std::string>& command, const std::string& host) {
  Launch launch;
  Identity identity = IdentityFrom(environment);
  launch.nodes = NodesFrom(environment, command);
  launch.node_rank = identity.node_rank;
  if (!launch.node_rank)
    launch.node_rank = Number(Stated(environment, command, {"node-rank", "machine-rank"}, {}).c_str());
  if (!launch.node_rank && launch.nodes == 1) launch.node_rank = 0;
  launch.master = MasterFrom(environment, command);
  launch.key = KeyFrom(environment, command, launch);
  launch.member = launch.node_rank && launch.nodes > 1 ? "node " + std::to_string(*launch.node_rank) : "host " + host;
  if (identity.local_rank) launch.member += " local " + std::to_string(*identity.local_rank);
  return launch;
}

bool IsLauncher(const std::vector<std::string>& command) {
  // _LAUNCHERS in python/rankscope/_rank.py, and shells.
  static constexpr std::array<std::string_view, 14> kLaunchers = {"torchrun",
                                                                  "torch.distributed.run",
                                                                  "torch.distributed.launch",
                                                                  "accelerate",
                                                                  "swift",
                                                                  "deepspeed",
                                                                  "accelerate.commands.launch",
                                                                  "deepspeed.launcher.runner",
                                                                  "sh",
                                                                  "bash",
                                                                  "dash",
                                                                  "deepspeed.launcher.launch",
                                                                  "srun",
                                                                  "mpirun"};
  auto is_one = [](std::string_view word) {
    return std::find(kLaunchers.begin(), kLaunchers.end(), word.substr(word.rfind('/') + 1)) != kLaunchers.end();
  };
  if (command.empty()) return false;
  if (is_one(command[0])) return true;
  if (command[0].find("python") == std::string::npos) return false;
  for (size_t i = 1; i < command.size(); ++i) {
    if (command[i] == "-m") return i + 1 < command.size() && is_one(command[i + 1]);
    if (command[i] == "-X" || command[i] == "-W") {
      ++i;
    } else if (!command[i].starts_with("-")) {
      return is_one(command[i]);
    }
  }
  return false;
}

std::string OptionOf(const std::vector<std::string>& command, std::string_view name) {
  std::string wanted = "--" + Canonical(name);
  for (size_t i = 0; i < command.size(); ++i) {
    size_t equals = command[i].find('=');
    if (Canonical(std::string_view(command[i]).substr(0, equals)) != wanted) continue;
    if (equals != std::string::npos) return command[i].substr(equals + 1);
    if (i + 1 < command.size()) return command[i + 1];
  }
  return "";
}

bool HasOption(const std::vector<std::string>& command, std::string_view name) {
  std::string wanted = "--" + Canonical(name);
  return std::any_of(command.begin(), command.end(), [&](const std::string& argument) {
    return Canonical(std::string_view(argument).substr(0, argument.find('='))) == wanted;
  });
}

}  // namespace rankscope::agent
