#include "cli/knowledge_command.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/counted.h"
#include "base/url.h"
#include "cli/http_client.h"
#include "cli/table.h"

namespace rankscope::cli {
namespace {

using Json = nlohmann::ordered_json;

base::Result<Json> GetJson(const std::string& server, const std::string& path) {
  std::string body;
  RETURN_IF_ERROR(GetLines(server, path, [&](std::string_view line) {
    body += line;
    return true;
  }));
  Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (json.is_object()) return json;
  return base::Status::Invalid("the server's answer is no JSON object");
}

std::string Shown(const Json& value) { return value.is_null() ? "-" : ShownValue(value); }

// To three digits, of which whole ones are all told.
std::string Rounded(const Json& number, double unit = 1, const char* sign = "") {
  if (!number.is_number()) return "-";
  const double value = number.get<double>() / unit;
  char text[32];
  std::snprintf(text, sizeof text, value < 100 ? "%.3g" : "%.0f", value);
  return text + std::string(sign);
}

void PrintTable(const char* title, const Json& rows, std::vector<std::string> hidden = {}) {
  if (rows.empty()) return;
  std::printf("\n%s\n", title);
  TableWriter table(TableWriter::Format::kTable, std::move(hidden), stdout);
  for (const Json& row : rows) table.Add(row);
  table.Finish();
}

void PrintInsights(const Json& json) {
  const Json& between = json["mean_time_between_failures"];
  std::printf("%s, %s failed, %s rank-hours; between failures: %s h, %s rank-hours; effective training time: %s\n",
              base::Counted(json["jobs"].get<uint64_t>(), "job").c_str(), Shown(json["failed"]).c_str(),
              Rounded(json["rank_hours"]).c_str(), Rounded(between["hours"]).c_str(),
              Rounded(between["rank_hours"]).c_str(),
              Rounded(json["effective_training_time_ratio"], 0.01, " %").c_str());
  PrintTable("Failures", json["failures"], {"classes", "jobs"});
  for (const char* by : {"model", "framework", "parallelism", "cluster", "node"}) {
    PrintTable((std::string("By ") + by).c_str(), json[std::string("by_") + by]);
  }
  PrintTable("Settings that go with cuda_oom", json["oom_settings"]);
  PrintTable("Steps at which several jobs left their course", json["inflection_points"]);
}

void PrintDiff(const Json& json) {
  const bool differ = !json["settings"].empty() || !json["nodes"]["left"].empty() || !json["nodes"]["new"].empty();
  if (!differ) std::printf("No setting and no node that is known differs\n");
  PrintTable("Settings", json["settings"]);
  const Json& nodes = json["nodes"];
  if (!nodes["left"].empty()) std::printf("\nNodes of the old job alone: %s\n", nodes["left"].dump().c_str());
  if (!nodes["new"].empty()) std::printf("\nNodes of the new job alone: %s\n", nodes["new"].dump().c_str());
  PrintTable("Medians over the steps that both have", json["metrics"]);
}

void PrintJson(const Json& json) { std::printf("%s\n", json.dump().c_str()); }

void PrintFix(const Json& json) {
  std::printf("%s: %s (%s)\n", Shown(json["state"]).c_str(), Shown(json["why"]).c_str(), Shown(json["class"]).c_str());
  const Json& throughput = json["throughput"];
  if (throughput["now"].is_null()) return;
  std::printf("%s%s: %s now; the old job: %s usually, %s at its end\n", Shown(throughput["unit"]).c_str(),
              throughput["unit"] == "tokens/s" ? " a rank" : "", Shown(throughput["now"]).c_str(),
              Shown(throughput["usual"]).c_str(), Shown(throughput["before"]).c_str());
}

std::string Against(const std::string& job, const char* route, const std::string& old) {
  return "/api/v1/jobs/" + base::UrlEncode(job) + "/" + route + "?against=" + base::UrlEncode(old);
}

}  // namespace

base::Status RunInsights(const std::string& server, bool json) {
  ASSIGN_OR_RETURN(Json insights, GetJson(server, "/api/v1/insights"));
  json ? PrintJson(insights) : PrintInsights(insights);
  return {};
}

base::Status RunDiff(const std::string& server, const std::string& job, const std::string& old, bool json) {
  ASSIGN_OR_RETURN(Json diff, GetJson(server, Against(job, "diff", old)));
  json ? PrintJson(diff) : PrintDiff(diff);
  return {};
}

base::Result<FixState> RunVerifyFix(const std::string& server, const std::string& job, const std::string& old,
                                    bool json) {
  ASSIGN_OR_RETURN(Json check, GetJson(server, Against(job, "verify-fix", old)));
  json ? PrintJson(check) : PrintFix(check);
  std::string state = check.value("state", "");
  return state == "gone" ? FixState::kGone : state == "back" ? FixState::kBack : FixState::kNotReached;
}

}  // namespace rankscope::cli
