#include "agent/life_events.h"

#include <sys/wait.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/file.h"
#include "model/event.h"
#include "parse/line_record.h"

namespace rankscope::agent {
namespace {

bool WasKilled(const std::optional<ExitStatus>& status) {
  return status && WIFSIGNALED(status->wait_status) && WTERMSIG(status->wait_status) == SIGKILL;
}

std::string SignalEnd(int number, model::Record* end) {
  std::string name = SignalName(number);
  end->fields.emplace_back("signal", name);
  end->fields.emplace_back("signal_number", int64_t{number});
  end->level = "error";
  return name;
}

std::string ExitEnd(int code, model::Record* end) {
  end->fields.emplace_back("exit_code", int64_t{code});
  end->level = code == 0 ? "info" : "error";
  return "exit " + std::to_string(code);
}

}  // namespace

std::string NameOf(const model::Origin& origin) {
  return origin.rank ? "rank " + std::to_string(*origin.rank) : "a process without a rank";
}

std::string DescribeEnd(const std::optional<ExitStatus>& status, model::Record* end) {
  std::string how = "how is unknown";
  if (status) {
    int wait_status = status->wait_status;
    how = WIFSIGNALED(wait_status) ? SignalEnd(WTERMSIG(wait_status), end) : ExitEnd(WEXITSTATUS(wait_status), end);
  }
  end->fields.emplace_back("exit_source", status ? status->source : "unknown");
  return how;
}

model::Record RankExit(const model::Origin& origin, pid_t pid, const std::optional<ExitStatus>& status,
                       std::optional<bool> oom_killed) {
  model::Record exit = model::MakeEvent("rank_exit", base::WallNow(), "");
  exit.origin = origin;
  exit.fields.emplace_back("pid", static_cast<int64_t>(pid));
  std::string how = DescribeEnd(status, &exit);
  if (WasKilled(status) && oom_killed) {
    exit.fields.emplace_back("oom_kill", std::string(*oom_killed ? "true" : "false"));
    if (*oom_killed) how += " by the kernel's OOM killer";
  }
  exit.text = NameOf(origin) + " ended: " + how;
  return exit;
}

std::string ReadErrorFile(const std::string& path) {
  constexpr size_t kMostBytes = 4096;
  if (path.empty()) return "";
  auto text = base::ReadWholeFile(path);
  if (!text.ok()) return "";
  auto json = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  auto inner = json.is_object() && json.contains("message") ? json["message"] : nlohmann::json();
  if (inner.is_object() && inner.contains("message")) inner = nlohmann::json(inner["message"]);
  if (!inner.is_string()) return "";
  std::string error = inner.get<std::string>().substr(0, kMostBytes);
  parse::RedactSecrets(&error);
  return error;
}

}  // namespace rankscope::agent
