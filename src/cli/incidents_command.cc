#include "cli/incidents_command.h"

#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/clock.h"
#include "cli/http_client.h"
#include "cli/jobs_command.h"
#include "cli/table.h"
#include "cli/time_argument.h"

namespace rankscope::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string Text(const Json& object, const char* name) {
  auto found = object.find(name);
  if (found == object.end() || found->is_null()) return "";
  return ShownValue(*found);
}

std::string AgeOf(const Json& object, const char* name) {
  auto at = ParseTimeArgument(Text(object, name), 0);
  return at.ok() ? FormatAge(base::WallNow() - *at) : "";
}

std::string NoteOf(const Json& object) {
  std::string note = Text(object, "note");
  return note.empty() ? "" : ": " + note;
}

// ID  state  SEVERITY  started  job ranks 0-7 (8 of 64) step 12  Rule (class): title
void PrintLine(const Json& incident) {
  std::string step = Text(incident, "step");
  std::printf("%s  %-9s %-8s %s %s %s%s  %s (%s): %s\n", Text(incident, "id").c_str(), Text(incident, "state").c_str(),
              Text(incident, "severity").c_str(), Text(incident, "started").c_str(), Text(incident, "job_id").c_str(),
              Text(incident, "where").c_str(), step.empty() ? "" : (" step " + step).c_str(),
              Text(incident, "rule").c_str(), Text(incident, "class").c_str(), Text(incident, "title").c_str());
}

void PrintPeople(const Json& incident) {
  if (const Json& decision = incident.value("decision", Json()); decision.is_object()) {
    std::printf("    %s by %s, %s%s\n", Text(decision, "state").c_str(), Text(decision, "by").c_str(),
                AgeOf(decision, "at").c_str(), NoteOf(decision).c_str());
  }
  if (const Json& taken = incident.value("acknowledged", Json()); taken.is_object()) {
    std::string until = Text(taken, "until");
    std::printf("    acknowledged by %s, %s%s%s\n", Text(taken, "by").c_str(), AgeOf(taken, "at").c_str(),
                until.empty() ? "" : (", until " + until).c_str(), NoteOf(taken).c_str());
  }
  if (std::string other = Text(incident, "superseded_by"); !other.empty()) {
    std::printf("    superseded by %s\n", other.c_str());
  }
}

void PrintMembers(const Json& incident) {
  for (const Json& member : incident.value("members", Json::array())) {
    std::string ranks = Text(member, "ranks"), step = Text(member, "step");
    std::printf("  %-8s %s (%s), %s found, %s active%s%s\n", Text(member, "role").c_str(), Text(member, "rule").c_str(),
                Text(member, "class").c_str(), Text(member, "findings").c_str(), Text(member, "active").c_str(),
                ranks.empty() ? "" : (", ranks " + ranks).c_str(), step.empty() ? "" : (", from step " + step).c_str());
  }
}

void PrintRecords(const char* what, const Json& records) {
  if (!records.is_array() || records.empty()) return;
  std::printf("%s\n", what);
  for (const Json& record : records) {
    std::string rank = Text(record, "rank"), text = Text(record, "msg");
    if (text.empty()) text = record.dump(-1, ' ', false, Json::error_handler_t::replace);
    std::printf("  %s %s%s\n", Text(record, "timestamp").c_str(), rank.empty() ? "" : ("rank " + rank + " ").c_str(),
                text.c_str());
  }
}

void PrintCost(const Json& incident) {
  const Json& cost = incident.value("cost", Json());
  if (!cost.is_object() || cost.value("rank_hours", 0.0) <= 0) return;
  std::string money = Text(cost, "money");
  std::printf("cost: %s rank-hours%s\n", Text(cost, "rank_hours").c_str(), money.empty() ? "" : (", " + money).c_str());
}

void PrintWhole(const Json& incident) {
  PrintLine(incident);
  PrintPeople(incident);
  PrintCost(incident);
  PrintMembers(incident);
  PrintRecords("evidence", incident.value("evidence", Json()));
  const Json& around = incident.value("around", Json());
  if (!around.is_object()) return;
  PrintRecords("around it", around.value("lines", Json()));
  PrintRecords("metrics", around.value("metrics", Json()));
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

void PrintStats(const Json& rule) {
  std::printf("%-32s %8s %10s %10s %10s %11s\n", Text(rule, "rule").c_str(), Text(rule, "fired").c_str(),
              Text(rule, "confirmed").c_str(), Text(rule, "dismissed").c_str(), Text(rule, "incidents").c_str(),
              Text(rule, "rank_hours").c_str());
}

}  // namespace

base::Status RunIncidents(const IncidentsOptions& options) {
  std::string path = "/api/v1/incidents?job_id=" + UrlEncode(options.job) + "&state=" + UrlEncode(options.state);
  std::vector<std::string> lines;
  RETURN_IF_ERROR(GetLines(options.server, path, [&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  }));
  if (lines.empty()) RETURN_IF_ERROR(CheckJob(options.server, options.job));
  if (lines.empty() && !options.json) std::fputs("rankscope: no incident\n", stderr);
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    Json incident = Json::parse(*line, nullptr, /*allow_exceptions=*/false);
    if (options.json) {
      std::printf("%s\n", line->c_str());
    } else if (incident.is_object()) {
      PrintLine(incident);
      PrintPeople(incident);
    }
  }
  return {};
}

base::Status RunIncidentShow(const std::string& server, const std::string& id, bool json) {
  return PrintAnswer(server, "/api/v1/incidents/" + UrlEncode(id), json, PrintWhole);
}

base::Status RunIncidentWord(const IncidentWordOptions& options) {
  Json body = {{"by", options.by}, {"note", options.note}};
  std::string path = "/api/v1/incidents/" + UrlEncode(options.id) + "/" + options.action;
  if (!options.lasting.empty()) path += "?for=" + UrlEncode(options.lasting);
  std::string text = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  return PostLines(options.server, path, text, [](std::string_view line) {
    Json incident = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!incident.is_object()) return true;
    PrintLine(incident);
    PrintPeople(incident);
    return true;
  });
}

base::Status RunRuleStats(const std::string& server, bool json) {
  if (!json) {
    std::printf("%-32s %8s %10s %10s %10s %11s\n", "rule", "fired", "confirmed", "dismissed", "incidents",
                "rank-hours");
  }
  return PrintAnswer(server, "/api/v1/rules/stats", json, PrintStats);
}

}  // namespace rankscope::cli
