#include "agent/run_description.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/launch.h"
#include "base/file.h"
#include "parse/line_record.h"

namespace rankscope::agent {
namespace {

constexpr std::array<std::string_view, 9> kTellingParts = {"KEY",        "TOKEN", "SECRET", "PASSWORD", "PASSWD",
                                                           "CREDENTIAL", "AUTH",  "COOKIE", "PRIVATE"};

// Options of the launchers and of Megatron-LM, under the names of what they set.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kParallelism = {{
    {"nnodes", "nodes"},
    {"nproc-per-node", "processes_per_node"},
    {"tensor-model-parallel-size", "tensor_parallel"},
    {"pipeline-model-parallel-size", "pipeline_parallel"},
    {"context-parallel-size", "context_parallel"},
    {"expert-model-parallel-size", "expert_parallel"},
    {"deepspeed", "deepspeed"},
}};

bool IsTelling(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
  return std::any_of(kTellingParts.begin(), kTellingParts.end(),
                     [&](std::string_view part) { return name.find(part) != std::string::npos; });
}

std::string FirstLine(const std::string& path) {
  auto text = base::ReadWholeFile(path);
  return text.ok() ? text->substr(0, text->find('\n')) : "";
}

// What a ref of the repository `git` points to: a file of its own, or a line of packed-refs.
std::string CommitOf(const std::string& git, const std::string& ref) {
  if (std::string commit = FirstLine(git + "/" + ref); !commit.empty()) return commit;
  auto packed = base::ReadWholeFile(git + "/packed-refs");
  if (!packed.ok()) return "";
  std::istringstream lines(*packed);
  for (std::string commit, name; lines >> commit >> name;) {
    if (name == ref) return commit;
  }
  return "";
}

void AddText(std::string_view name, std::string value, model::Fields* fields) {
  if (!value.empty()) fields->emplace_back(name, std::move(value));
}

}  // namespace

std::string GitCommit(const std::string& directory) {
  std::error_code error;
  for (std::filesystem::path path = std::filesystem::absolute(directory, error); !path.empty();
       path = path.parent_path()) {
    std::string git = (path / ".git").string();
    if (std::filesystem::is_regular_file(git, error)) {  // a worktree: "gitdir: PATH"
      git = FirstLine(git);
      git = git.starts_with("gitdir: ") ? git.substr(8) : "";
    }
    std::string head = FirstLine(git + "/HEAD");
    if (head.starts_with("ref: ")) return CommitOf(git, head.substr(5));
    if (!head.empty()) return head;
    if (path == path.root_path()) break;
  }
  return "";
}

std::string RedactedEnvironment(const char* const* environment) {
  nlohmann::json json = nlohmann::json::object();
  for (; *environment; ++environment) {
    std::string variable = *environment;
    size_t equals = variable.find('=');
    if (equals == std::string::npos) continue;
    std::string name = variable.substr(0, equals), value = variable.substr(equals + 1);
    parse::RedactSecrets(&value);
    json[name] = IsTelling(name) && !value.empty() ? "[REDACTED]" : value;
  }
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void DescribeRun(const std::vector<std::string>& command, const char* const* environment, model::Fields* fields) {
  std::string text;
  for (const std::string& argument : command) text += (text.empty() ? "" : " ") + argument;
  parse::RedactSecrets(&text);
  AddText("command", text, fields);
  char directory[4096];
  if (getcwd(directory, sizeof directory)) {
    AddText("directory", directory, fields);
    AddText("git_commit", GitCommit(directory), fields);
  }
  utsname kernel{};
  if (uname(&kernel) == 0) AddText("kernel", kernel.release, fields);
  AddText("nvidia_driver", FirstLine("/sys/module/nvidia/version"), fields);
  for (const auto& [option, name] : kParallelism) AddText(name, OptionOf(command, option), fields);
  AddText("environment", RedactedEnvironment(environment), fields);
}

}  // namespace rankscope::agent
