#include "cli/findings_command.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/url.h"
#include "cli/http_client.h"
#include "cli/jobs_command.h"
#include "cli/listing.h"
#include "cli/time_argument.h"
#include "model/shown.h"

namespace rankscope::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string Text(const Json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? model::Shown(found->get<std::string>()) : "";
}

std::string NumberIf(const Json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_number() ? std::string(" ") + name + " " + found->dump() : "";
}

std::string WhoOf(const Json& finding) {
  std::string rank = NumberIf(finding, "rank");
  if (rank.empty() && !NumberIf(finding, "node_rank").empty()) rank = " node " + finding["node_rank"].dump();
  return Text(finding, "job_id") + rank + NumberIf(finding, "step");
}

// ID  state  SEVERITY  time  job rank 3 step 12  Rule (class): message. `who_width`: of the column of job and rank.
void Print(const Json& finding, size_t who_width) {
  const bool over = finding.contains("active") && finding["active"] == false;
  std::printf("%s  %-9s  %-8s  %s  %s  %s (%s): %s%s\n", Text(finding, "id").c_str(), Text(finding, "state").c_str(),
              Text(finding, "severity").c_str(), ShownTime(Text(finding, "timestamp")).c_str(),
              Padded(WhoOf(finding), who_width).c_str(), Text(finding, "rule").c_str(), Text(finding, "class").c_str(),
              Text(finding, "message").c_str(), over ? " (over)" : "");
  auto decision = finding.find("decision");
  if (decision == finding.end()) return;
  auto at = ParseTimeArgument(Text(*decision, "at"), 0);
  std::string note = Text(*decision, "note");
  std::printf("    %s by %s, %s%s\n", Text(finding, "state").c_str(), Text(*decision, "by").c_str(),
              FormatAge(at.ok() ? base::WallNow() - *at : 0).c_str(), note.empty() ? "" : (": " + note).c_str());
}

}  // namespace

base::Status RunFindings(const FindingsOptions& options) {
  std::string path =
      "/api/v1/findings?job_id=" + base::UrlEncode(options.job) + "&state=" + base::UrlEncode(options.state);
  std::vector<std::string> lines;
  RETURN_IF_ERROR(GetLines(options.server, path, [&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  }));
  if (lines.empty()) RETURN_IF_ERROR(CheckJob(options.server, options.job));
  if (lines.empty() && !options.json) std::fputs("rankscope: nothing found\n", stderr);
  std::reverse(lines.begin(), lines.end());
  if (!options.json) PrintAligned(lines, WhoOf, Print);
  for (const std::string& line : lines) {
    if (options.json) std::printf("%s\n", line.c_str());
  }
  return {};
}

base::Status RunDecide(const std::string& server, const std::string& id, const std::string& action,
                       const std::string& by, const std::string& note) {
  Json body = {{"by", by}, {"note", note}};
  std::string text = base::JsonText(body);
  return PostLines(server, "/api/v1/findings/" + base::UrlEncode(id) + "/" + action, text, [](std::string_view line) {
    Json finding = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (finding.is_object()) Print(finding, 0);
    return true;
  });
}

}  // namespace rankscope::cli
