#include "cli/jobs_command.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <vector>

#include "base/clock.h"
#include "base/counted.h"
#include "base/json_text.h"
#include "base/url.h"
#include "cli/http_client.h"
#include "cli/job_pause.h"
#include "cli/line_folder.h"
#include "cli/listing.h"
#include "cli/table.h"
#include "cli/time_argument.h"

namespace rankscope::cli {
namespace {

using Row = std::vector<std::string>;

// `width`: of the terminal, in which the column `yields` makes room for the others; 0: it is none, nothing is cut. Nor
// is it where the others alone have no room: the lines wrap then in any case.
void PrintTable(const std::vector<Row>& rows, size_t yields, size_t width) {
  constexpr size_t kLeast = 10, kBetween = 2;
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  }
  size_t all = std::accumulate(widths.begin(), widths.end(), kBetween * (widths.size() - 1));
  if (width > 0 && all > width && all - widths[yields] + kLeast <= width) widths[yields] -= all - width;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += Padded(CutToWidth(row[i], widths[i]), widths[i] + kBetween);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    std::printf("%s\n", line.c_str());
  }
}

std::string Shown(const nlohmann::json& object, const char* name) {
  if (!object.contains(name) || object[name].is_null()) return "-";
  const auto& value = object[name];
  if (value.is_number_float()) return ShownNumber(value.get<double>());
  if (!value.is_string()) return value.dump();
  const auto text = value.get<std::string>();
  return text.empty() ? "-" : ShownValue(nlohmann::ordered_json(text));
}

// "running", "running, potential" where findings mark the job, or "paused".
std::string StateOf(const nlohmann::json& job) {
  std::string anomaly = Shown(job, "anomaly");
  return (PauseText(job).empty() ? Shown(job, "state") : "paused") + (anomaly == "-" ? "" : ", " + anomaly);
}

std::string Age(const nlohmann::json& object, const char* name) {
  auto time = ParseTimeArgument(Shown(object, name), 0);
  return time.ok() ? FormatAge(base::WallNow() - *time) : "-";
}

// "rank 3", "ranks 0-2,5".
std::string NamedRanks(const std::set<int32_t>& ranks) {
  return (ranks.size() == 1 ? "rank " : "ranks ") + FormatSet(ranks);
}

// The ranks of the attempt that are not seen, and those whose lines have no rank.
void SayWhatIsMissing(const nlohmann::json& job) {
  std::set<int32_t> silent, missing;
  for (int32_t rank = 0; rank < job.value("ranks_expected", 0); ++rank) missing.insert(rank);
  for (const auto& rank : job["ranks"]) {
    if (rank.value("attempt", 0) != job.value("attempt", 0)) continue;
    missing.erase(rank.value("rank", -1));
    if (rank.value("source", "") == "exit only") silent.insert(rank.value("rank", -1));
  }
  if (!missing.empty()) std::printf("not seen: %s\n", NamedRanks(missing).c_str());
  if (silent.empty()) return;
  std::printf(
      "no channel of their own: %s; their lines have no rank (not Python, or Python with -I or -S; "
      "`rankscope run --preload` helps)\n",
      NamedRanks(silent).c_str());
}

// What its diagnosis found says more than how the first rank ended.
std::string WhyOf(const nlohmann::json& job) {
  std::string pause = PauseText(job);
  if (!pause.empty()) return pause;
  return Shown(job, job.value("diagnosis", "").empty() ? "reason" : "diagnosis");
}

// That of a rank of imported logs is not known.
std::string PidOf(const nlohmann::json& rank) { return rank.value("pid", 0) > 0 ? Shown(rank, "pid") : "-"; }

void PrintPin(const nlohmann::json& pin) {
  std::string note = pin.value("note", "");
  std::printf("  pinned by %s, %s%s\n", Shown(pin, "by").c_str(), Age(pin, "at").c_str(),
              note.empty() ? "" : (": " + note).c_str());
}

}  // namespace

base::Status RunJobs(const std::string& server, bool json, size_t width) {
  constexpr size_t kWhy = 8;
  std::vector<Row> rows = {{"JOB", "STATE", "ATTEMPT", "RANKS", "STEP", "LOSS", "STARTED", "LAST HEARD", "WHY"}};
  RETURN_IF_ERROR(GetLines(server, "/api/v1/jobs", [&](std::string_view line) {
    if (json) {
      std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
      return true;
    }
    auto job = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    std::string ranks = Shown(job, "ranks_seen") + "/" + Shown(job, "ranks_expected");
    rows.push_back({Shown(job, "job_id"), StateOf(job), Shown(job, "attempt"), ranks, Shown(job, "last_step"),
                    Shown(job, "last_loss"), Age(job, "started"), Age(job, "last_heard"), WhyOf(job)});
    return true;
  }));
  if (!json) PrintTable(rows, kWhy, width);
  return {};
}

base::Status RunJobsShow(const std::string& server, const std::string& job_id, bool json, size_t width) {
  constexpr size_t kGpu = 6;
  return GetLines(server, "/api/v1/jobs/" + base::UrlEncode(job_id), [&](std::string_view line) {
    if (json) {
      std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
      return true;
    }
    auto job = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    std::string why = WhyOf(job);
    std::printf("%s  %s%s\n", Shown(job, "job_id").c_str(), StateOf(job).c_str(),
                why == "-" ? "" : ("  " + why).c_str());
    if (job.contains("pin") && job["pin"].is_object()) PrintPin(job["pin"]);
    for (const auto& [name, value] : job["configuration"].items()) {
      if (name == "environment") continue;  // a page of its own: -o json
      std::printf("  %s: %s\n", name.c_str(),
                  value.is_string() ? value.get<std::string>().c_str() : value.dump().c_str());
    }
    std::vector<Row> rows = {{"ATTEMPT", "RANK", "NODE", "LOCAL", "HOST", "PID", "GPU", "SOURCE", "EXIT"}};
    for (const auto& rank : job["ranks"]) {
      rows.push_back({Shown(rank, "attempt"), Shown(rank, "rank"), Shown(rank, "node_rank"), Shown(rank, "local_rank"),
                      Shown(rank, "host"), PidOf(rank), Shown(rank, "gpu_uuid"), Shown(rank, "source"),
                      Shown(rank, "exit")});
    }
    PrintTable(rows, kGpu, width);
    SayWhatIsMissing(job);
    return true;
  });
}

base::Status CheckJob(const std::string& server, const std::string& job) {
  if (job.empty()) return {};
  return GetLines(server, "/api/v1/jobs/" + base::UrlEncode(job), [](std::string_view) { return true; });
}

base::Status RunJobsSet(const std::string& server, const std::string& job, int log_interval_steps, bool json) {
  RETURN_IF_ERROR(CheckJob(server, job));  // one that is not there is not merely not running
  nlohmann::json settings = {{"log_interval_steps", log_interval_steps}};
  return PostLines(server, "/api/v1/jobs/" + base::UrlEncode(job) + "/settings", settings.dump(),
                   [&](std::string_view line) {
                     if (json) {
                       std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
                       return true;
                     }
                     auto answer = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
                     std::printf("%s: one metric record per %d steps, told to %s\n", job.c_str(), log_interval_steps,
                                 base::Counted(answer.value("agents", uint64_t{0}), "agent").c_str());
                     return true;
                   });
}

base::Status RunJobsDelete(const std::string& server, const std::string& job, bool force) {
  RETURN_IF_ERROR(DeleteLines(server, "/api/v1/jobs/" + base::UrlEncode(job) + (force ? "?force=true" : ""),
                              [](std::string_view) { return true; }));
  std::printf("%s: deleted\n", job.c_str());
  return {};
}

base::Status RunPin(const std::string& server, const std::string& job, const std::string& by, const std::string& note) {
  nlohmann::json pin = {{"by", by}, {"note", note}};
  std::string body = base::JsonText(pin);
  RETURN_IF_ERROR(
      PostLines(server, "/api/v1/jobs/" + base::UrlEncode(job) + "/pin", body, [](std::string_view) { return true; }));
  std::printf("%s: pinned\n", job.c_str());
  return {};
}

base::Status RunUnpin(const std::string& server, const std::string& job) {
  RETURN_IF_ERROR(
      DeleteLines(server, "/api/v1/jobs/" + base::UrlEncode(job) + "/pin", [](std::string_view) { return true; }));
  std::printf("%s: no longer pinned\n", job.c_str());
  return {};
}

}  // namespace rankscope::cli
