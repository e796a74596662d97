#include "cli/incidents_command.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/json_text.h"
#include "base/url.h"
#include "cli/http_client.h"
#include "cli/incident_page.h"
#include "cli/jobs_command.h"
#include "cli/listing.h"
#include "cli/table.h"

namespace rankscope::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string Text(const Json& object, const char* name) {
  auto found = object.find(name);
  return found == object.end() || found->is_null() ? "" : ShownValue(*found);
}

base::Status PrintAnswer(const std::string& server, const std::string& path, bool json,
                         const std::function<void(const Json&)>& print) {
  return GetLines(server, path, [&](std::string_view line) {
    Json object = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (json) {
      std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
    } else if (object.is_object()) {
      print(object);
    }
    return true;
  });
}

void PrintStats(const char* rule, const char* fired, const char* confirmed, const char* dismissed,
                const char* incidents, const char* rank_hours) {
  std::printf("%-32s %8s %10s %10s %10s %11s\n", rule, fired, confirmed, dismissed, incidents, rank_hours);
}

}  // namespace

base::Status RunIncidents(const IncidentsOptions& options) {
  std::string path =
      "/api/v1/incidents?job_id=" + base::UrlEncode(options.job) + "&state=" + base::UrlEncode(options.state);
  std::vector<std::string> lines;
  RETURN_IF_ERROR(GetLines(options.server, path, [&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  }));
  if (lines.empty()) RETURN_IF_ERROR(CheckJob(options.server, options.job));
  if (lines.empty() && !options.json) std::fputs("rankscope: no incident\n", stderr);
  std::reverse(lines.begin(), lines.end());
  if (!options.json) PrintAligned(lines, IncidentPlace, PrintIncidentLine);
  for (const std::string& line : lines) {
    if (options.json) std::printf("%s\n", line.c_str());
  }
  return {};
}

base::Status RunIncidentShow(const std::string& server, const std::string& id, bool json) {
  return PrintAnswer(server, "/api/v1/incidents/" + base::UrlEncode(id), json, PrintIncidentPage);
}

base::Status RunIncidentWord(const IncidentWordOptions& options) {
  Json body = {{"by", options.by}, {"note", options.note}};
  if (!options.lasting.empty()) body["for"] = options.lasting;
  std::string path = "/api/v1/incidents/" + base::UrlEncode(options.id) + "/" + options.action;
  std::string text = base::JsonText(body);
  return PostLines(options.server, path, text, [](std::string_view line) {
    Json incident = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (incident.is_object()) PrintIncidentLine(incident, 0);
    return true;
  });
}

base::Status RunRuleStats(const std::string& server, bool json) {
  std::vector<Json> rules;
  RETURN_IF_ERROR(PrintAnswer(server, "/api/v1/rules/stats", json, [&](const Json& rule) { rules.push_back(rule); }));
  if (json) return {};
  PrintStats("rule", "fired", "confirmed", "dismissed", "incidents", "rank-hours");
  for (const Json& rule : rules) {
    PrintStats(Text(rule, "rule").c_str(), Text(rule, "fired").c_str(), Text(rule, "confirmed").c_str(),
               Text(rule, "dismissed").c_str(), Text(rule, "incidents").c_str(), Text(rule, "rank_hours").c_str());
  }
  return {};
}

}  // namespace rankscope::cli
