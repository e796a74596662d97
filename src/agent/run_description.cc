#include "agent/run_description.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/launch.h"
#include "agent/redaction.h"
#include "base/file.h"
#include "base/json_text.h"

namespace rankscope::agent {
namespace {

// Options of the launchers, of Megatron-LM and of torchtitan, under the names of what they set.
constexpr std::array<std::pair<std::string_view, std::string_view>, 22> kParallelism = {{
    {"nnodes", "nodes"},
    {"num-machines", "nodes"},
    {"nproc-per-node", "processes_per_node"},
    {"tensor-model-parallel-size", "tensor_parallel"},
    {"parallelism.tensor-parallel-degree", "tensor_parallel"},
    {"pipeline-model-parallel-size", "pipeline_parallel"},
    {"parallelism.pipeline-parallel-degree", "pipeline_parallel"},
    {"num-layers-per-virtual-pipeline-stage", "layers_per_virtual_stage"},
    {"num-virtual-stages-per-pipeline-rank", "virtual_stages"},
    {"context-parallel-size", "context_parallel"},
    {"parallelism.context-parallel-degree", "context_parallel"},
    {"expert-model-parallel-size", "expert_parallel"},
    {"parallelism.expert-parallel-degree", "expert_parallel"},
    {"expert-tensor-parallel-size", "expert_tensor_parallel"},
    {"num-distributed-optimizer-instances", "optimizer_instances"},
    {"parallelism.data-parallel-shard-degree", "data_parallel_shard"},
    {"parallelism.data-parallel-replicate-degree", "data_parallel_replicate"},
    {"micro-batch-size", "micro_batch_size"},
    {"per-device-train-batch-size", "micro_batch_size"},
    {"global-batch-size", "global_batch_size"},
    {"gradient-accumulation-steps", "gradient_accumulation_steps"},
    {"deepspeed", "deepspeed"},
}};
// Options of Megatron-LM without a value.
constexpr std::array<std::string_view, 2> kFlags = {"sequence-parallel", "use-distributed-optimizer"};
constexpr size_t kMaxConfigBytes = 64 << 10;

std::string FirstLine(const std::string& path) {
  auto text = base::ReadWholeFile(path);
  return text.ok() ? text->substr(0, text->find('\n')) : "";
}

// What a ref of the repository `git` points to: a file of its own, or a line of packed-refs. A worktree shares its
// repository's.
std::string CommitOf(std::string git, const std::string& ref) {
  if (std::string common = FirstLine(git + "/commondir"); !common.empty()) {
    git = (std::filesystem::path(git) / common).string();
  }
  if (std::string commit = FirstLine(git + "/" + ref); !commit.empty()) return commit;
  auto packed = base::ReadWholeFile(git + "/packed-refs");
  if (!packed.ok()) return "";
  std::istringstream lines(*packed);
  for (std::string line; std::getline(lines, line);) {
    size_t space = line.find(' ');
    if (space != std::string::npos && line.substr(space + 1) == ref) return line.substr(0, space);
  }
  return "";
}

// The first that names it counts.
void AddText(std::string_view name, std::string value, model::Fields* fields) {
  if (!value.empty() && !model::FindField(*fields, name)) fields->emplace_back(name, std::move(value));
}

int64_t NumberOf(const model::Fields& fields, std::string_view name) {
  const model::FieldValue* field = model::FindField(fields, name);
  const auto* text = field ? std::get_if<std::string>(field) : nullptr;
  bool digits =
      text && text->size() < 8 && !text->empty() && text->find_first_not_of("0123456789") == std::string::npos;
  return digits ? std::stoll(*text) : 0;
}

// The file that --deepspeed_config or --deepspeed names, where it is one: whole, and its ZeRO stage apart.
void AddDeepSpeed(const std::vector<std::string>& command, model::Fields* fields) {
  for (const char* option : {"deepspeed-config", "deepspeed"}) {
    std::string path = OptionOf(command, option);
    auto text = path.ends_with(".json") ? base::ReadWholeFile(path) : base::Status::NotFound(path);
    auto json = text.ok() ? nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false) : nlohmann::json();
    if (!json.is_object() || text->size() > kMaxConfigBytes) continue;
    AddText("deepspeed_config", base::JsonText(json), fields);
    const auto stage = json.value("/zero_optimization/stage"_json_pointer, nlohmann::json());
    if (stage.is_number_integer()) AddText("zero_stage", stage.dump(), fields);
    return;
  }
}

void AddParallelism(const std::vector<std::string>& command, model::Fields* fields) {
  for (const auto& [option, name] : kParallelism) {
    std::string value = OptionOf(command, option);
    if (!value.starts_with("--")) AddText(name, value, fields);
  }
  for (std::string_view flag : kFlags) {
    std::string name(flag);
    std::replace(name.begin(), name.end(), '-', '_');
    if (HasOption(command, flag)) AddText(name, "true", fields);
  }
  AddDeepSpeed(command, fields);
  int64_t nodes = model::FindField(*fields, "nodes") ? NumberOf(*fields, "nodes") : 1;
  int64_t world = nodes * NumberOf(*fields, "processes_per_node");
  bool is_a_rank = IdentityFrom(getenv).local_rank.has_value();  // then its environment says
  if (world > 0 && !is_a_rank) fields->emplace_back("world_size", world);
}

}  // namespace

std::string GitCommit(const std::string& directory) {
  std::error_code error;
  for (std::filesystem::path path = std::filesystem::absolute(directory, error); !path.empty();
       path = path.parent_path()) {
    std::string git = (path / ".git").string();
    if (std::filesystem::is_regular_file(git, error)) {  // a worktree or a submodule: "gitdir: PATH"
      git = FirstLine(git);
      git = git.starts_with("gitdir: ") ? (path / git.substr(8)).string() : "";
    }
    std::string head = FirstLine(git + "/HEAD");
    if (head.starts_with("ref: ")) return CommitOf(git, head.substr(5));
    if (!head.empty()) return head;
    if (path == path.root_path()) break;
  }
  return "";
}

void DescribeRun(const std::vector<std::string>& command, const char* const* environment, model::Fields* fields) {
  AddText("command", RedactedCommand(command), fields);
  char directory[4096];
  if (getcwd(directory, sizeof directory)) {
    AddText("directory", directory, fields);
    AddText("git_commit", GitCommit(directory), fields);
  }
  utsname kernel{};
  if (uname(&kernel) == 0) AddText("kernel", kernel.release, fields);
  AddText("nvidia_driver", FirstLine("/sys/module/nvidia/version"), fields);
  AddParallelism(command, fields);
  AddText("environment", RedactedEnvironment(environment), fields);
}

}  // namespace rankscope::agent
