#include "cli/incident_page.h"

#include <cmath>
#include <cstdio>
#include <string>

#include "base/clock.h"
#include "base/counted.h"
#include "base/json_text.h"
#include "cli/line_printer.h"
#include "cli/listing.h"
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

Json List(const Json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_array() ? *found : Json::array();
}

std::string AgeOf(const Json& object, const char* name) {
  auto at = ParseTimeArgument(Text(object, name), 0);
  return at.ok() ? FormatAge(base::WallNow() - *at) : "";
}

// "before" and the text, if there is any.
std::string With(const char* before, const std::string& text) { return text.empty() ? "" : before + text; }

std::string DecisionOf(const Json& incident) {
  Json decision = incident.value("decision", Json());
  if (!decision.is_object()) return "";
  return Text(decision, "state") + With(" by ", Text(decision, "by")) + ", " + AgeOf(decision, "at") +
         With(": ", Text(decision, "note"));
}

std::string AcknowledgementOf(const Json& incident) {
  Json taken = incident.value("acknowledged", Json());
  if (!taken.is_object()) return "";
  return "acknowledged" + With(" by ", Text(taken, "by")) + ", " + AgeOf(taken, "at") +
         With(", until ", Text(taken, "until")) + With(": ", Text(taken, "note"));
}

std::string CostOf(const Json& incident) {
  Json cost = incident.value("cost", Json());
  if (!cost.is_object() || cost.value("rank_hours", 0.0) <= 0) return "";
  std::string money = Text(cost, "money");
  return Text(cost, "rank_hours") + " rank-hours lost" +
         (money.empty() ? "" : ", " + money + " at the server's price of a GPU-hour");
}

void PrintFact(const char* name, const std::string& fact) {
  if (!fact.empty()) std::printf("  %-12s %s\n", name, fact.c_str());
}

void PrintFacts(const Json& incident) {
  PrintFact("where", "job " + Text(incident, "job_id") + ", " + Text(incident, "where") +
                         With(", nodes ", Text(incident, "nodes")));
  PrintFact("since", With("step ", Text(incident, "step")) + (Text(incident, "step").empty() ? "" : ", ") +
                         ShownTime(Text(incident, "started")) + ", " + AgeOf(incident, "started"));
  PrintFact("ended", ShownTime(Text(incident, "ended")));
  for (const Json& cause : List(incident, "likely")) {
    double percent = 100 * cause.value("probability", 0.0);
    PrintFact("likely", Text(cause, "cause") + " (" + std::to_string(std::lround(percent)) + " %)" +
                            With(": ", Text(cause, "why")));
  }
  PrintFact("decided", DecisionOf(incident));
  PrintFact("looked after", AcknowledgementOf(incident));
  PrintFact("superseded", With("by ", Text(incident, "superseded_by")));
  PrintFact("cost", CostOf(incident));
}

void PrintMembers(const Json& incident) {
  std::printf("\nfindings by rule\n");
  for (const Json& member : List(incident, "members")) {
    std::printf("  %-8s %s (%s), %s, %s active%s%s\n", Text(member, "role").c_str(), Text(member, "rule").c_str(),
                Text(member, "class").c_str(), base::Counted(member.value("findings", size_t{0}), "finding").c_str(),
                Text(member, "active").c_str(), With(", ranks ", Text(member, "ranks")).c_str(),
                With(", from step ", Text(member, "step")).c_str());
  }
}

// As `rankscope logs` shows them.
void PrintRecords(const char* what, const Json& records) {
  if (records.empty()) return;
  std::printf("\n%s\n", what);
  LinePrinter::Options options;
  options.show_time = true;
  LinePrinter printer(options);
  for (const Json& record : records) {
    std::string json = base::JsonText(record);
    std::fputs(printer.Render(json).c_str(), stdout);
  }
}

}  // namespace

std::string IncidentPlace(const Json& incident) {
  return Text(incident, "job_id") + With(" ", Text(incident, "where")) + With(" step ", Text(incident, "step"));
}

// ID  state  SEVERITY  started  job ranks 0-7 (8 of 64) step 12  Rule (class): title
void PrintIncidentLine(const Json& incident, size_t place_width) {
  std::printf("%s  %-9s  %-8s  %s  %s  %s (%s): %s\n", Text(incident, "id").c_str(), Text(incident, "state").c_str(),
              Text(incident, "severity").c_str(), ShownTime(Text(incident, "started")).c_str(),
              Padded(IncidentPlace(incident), place_width).c_str(), Text(incident, "rule").c_str(),
              Text(incident, "class").c_str(), Text(incident, "title").c_str());
  for (const std::string& said :
       {DecisionOf(incident), AcknowledgementOf(incident), With("superseded by ", Text(incident, "superseded_by"))}) {
    if (!said.empty()) std::printf("    %s\n", said.c_str());
  }
}

void PrintIncidentPage(const Json& incident) {
  std::printf("%s  %s  %s  %s (%s)\n", Text(incident, "id").c_str(), Text(incident, "state").c_str(),
              Text(incident, "severity").c_str(), Text(incident, "rule").c_str(), Text(incident, "class").c_str());
  std::printf("  %s\n\n", Text(incident, "title").c_str());
  PrintFacts(incident);
  PrintMembers(incident);
  PrintRecords("evidence", List(incident, "evidence"));
  Json around = incident.value("around", Json());
  if (!around.is_object()) return;
  PrintRecords("lines around it", List(around, "lines"));
  PrintRecords("metrics around it", List(around, "metrics"));
  if (auto left_out = around.value("left_out", 0); left_out > 0) {
    std::printf("\n%d more records around it were too large to keep\n", left_out);
  }
}

}  // namespace rankscope::cli
