#include "agent/launch.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>

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

}  // namespace

Identity IdentityFrom(const Environment& environment) {
  Identity identity;
  identity.local_rank =
      FirstNumber(environment, {"LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"});
  if (environment("LOCAL_RANK")) identity.rank = Number(environment("RANK"));
  if (!identity.rank) identity.rank = FirstNumber(environment, {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID"});
  if (!identity.local_rank) identity.rank.reset();
  identity.node_rank = FirstNumber(environment, {"GROUP_RANK", "NODE_RANK", "SLURM_NODEID"});
  identity.world_size = FirstNumber(environment, {"WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS"});
  identity.attempt = std::max(FirstNumber(environment, {"TORCHELASTIC_RESTART_COUNT"}).value_or(0),
                              FirstNumber(environment, {"SLURM_RESTART_COUNT"}).value_or(0));
  return identity;
}

std::string JobIdFrom(const Environment& environment, const std::vector<std::string>& command) {
  if (std::string slurm = Text(environment, "SLURM_JOB_ID"); !slurm.empty()) {
    std::string restart = Text(environment, "SLURM_RESTART_COUNT");
    return "slurm-" + slurm + (restart.empty() || restart == "0" ? "" : "-" + restart);
  }
  if (std::string id = OptionOf(command, "rdzv-id"); !id.empty() && id != "none") return id;
  for (const char* name : {"PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid"}) {
    if (std::string id = Text(environment, name); !id.empty()) return "mpi-" + id;
  }
  std::string nodes = OptionOf(command, "nnodes");
  if (nodes.empty() || nodes == "1" || nodes == "1:1") return "";
  std::string address = OptionOf(command, "rdzv-endpoint");
  if (address.empty()) {
    address = OptionOf(command, "master-addr");
    if (std::string port = OptionOf(command, "master-port"); !address.empty() && !port.empty()) address += ":" + port;
  }
  std::replace(address.begin(), address.end(), ':', '-');
  return address.empty() ? "" : "j-" + address;
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

}  // namespace rankscope::agent
