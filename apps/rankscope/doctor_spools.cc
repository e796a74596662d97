#include <unistd.h>

#include <algorithm>

#include "agent/run_directory.h"
#include "base/clock.h"
#include "base/counted.h"
#include "doctor_checks.h"
#include "model/time_text.h"

namespace rankscope::doctor {
namespace {

using agent::UnsentSpool;
using Keeper = UnsentSpool::Keeper;

std::string PushCommand(const UnsentSpool& spool) { return "rankscope spool push " + spool.directory; }

std::string Age(const UnsentSpool& spool) { return model::FormatDuration(base::WallNow() - spool.since); }

// Older ones do not say who they are.
std::string AgentOf(const UnsentSpool& spool) {
  return spool.agent > 0 ? "agent " + std::to_string(spool.agent) : "an agent";
}

std::string Describe(const UnsentSpool& spool) {
  // A dead agent may have read nothing of it yet.
  std::string what = spool.records > 0 ? base::Counted(spool.records, "record") : "output not read yet";
  std::string text = what + " of job " + spool.job + " (" + Fixed(static_cast<double>(spool.bytes) / (1 << 20)) +
                     " MiB of disk, since " + Age(spool) + ") for " + spool.server;
  switch (spool.kept_by) {
    case Keeper::kRun:
      return text + ", which its run goes on sending by " + AgentOf(spool);
    case Keeper::kAgent:
      return text + ", to which " + AgentOf(spool) + " goes on sending: " + spool.directory;
    case Keeper::kNobody:
      return text + ", which nobody sends: " + PushCommand(spool);
  }
  return text;
}

const char* NameOf(Keeper keeper) {
  return keeper == Keeper::kRun ? "run" : keeper == Keeper::kAgent ? "agent" : "nobody";
}

}  // namespace

std::vector<UnsentSpool> FindUnsentSpools() {
  char host[256] = "";
  (void)gethostname(host, sizeof host - 1);
  return agent::UnsentSpools(agent::StateHome() + "/runs", host);
}

Check CheckSpools(const std::vector<UnsentSpool>& spools) {
  if (spools.empty()) return {"unsent", "ok", "nothing waits to be sent"};
  std::string text;
  for (const UnsentSpool& spool : spools) text += (text.empty() ? "" : "; ") + Describe(spool);
  bool left =
      std::any_of(spools.begin(), spools.end(), [](const auto& spool) { return spool.kept_by != Keeper::kRun; });
  return {"unsent", left ? "warning" : "ok", text};
}

nlohmann::json ToJson(const std::vector<UnsentSpool>& spools) {
  nlohmann::json json = nlohmann::json::array();
  for (const UnsentSpool& spool : spools) {
    json.push_back({{"directory", spool.directory},
                    {"job_id", spool.job},
                    {"server", spool.server},
                    {"kept_by", NameOf(spool.kept_by)},
                    {"agent", spool.agent > 0 ? nlohmann::json(spool.agent) : nlohmann::json()},
                    {"records", spool.records},
                    {"bytes", spool.bytes},
                    {"age_s", (base::WallNow() - spool.since) / base::kNsPerSecond},
                    {"push", PushCommand(spool)}});
  }
  return json;
}

}  // namespace rankscope::doctor
