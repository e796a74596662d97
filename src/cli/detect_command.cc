#include "cli/detect_command.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "cli/grouped_findings.h"
#include "cli/listing.h"
#include "cli/record_files.h"
#include "cli/stored_job.h"
#include "detect/engine.h"
#include "detect/findings_list.h"
#include "model/record_json.h"
#include "model/shown.h"

namespace rankscope::cli {
namespace {

std::string WhoOf(const detect::Finding& finding) {
  std::string who = finding.job;
  if (finding.attempt > 0) who += " attempt " + std::to_string(finding.attempt);
  if (finding.scope.rank) return who + " rank " + std::to_string(*finding.scope.rank);
  return finding.scope.node_rank ? who + " node " + std::to_string(*finding.scope.node_rank) : who;
}

// SEVERITY time job rank 3 step 12  Rule (class): message
void PrintText(const detect::Finding& finding) {
  std::string step = finding.step ? " step " + std::to_string(*finding.step) : "";
  std::printf("%-8s  %s  %s%s  %s (%s): %s\n", std::string(SeverityName(finding.severity)).c_str(),
              ShownTime(model::FormatTime(finding.time)).c_str(), WhoOf(finding).c_str(), step.c_str(),
              finding.rule.c_str(), finding.finding_class.c_str(), model::Shown(finding.message).c_str());
  for (const detect::Cause& cause : finding.likely) {
    std::printf("           %2.0f %% %s: %s\n", 100 * cause.probability, cause.cause.c_str(), cause.why.c_str());
  }
}

void PrintJson(const detect::Finding& finding, std::string_view state) {
  std::string json;
  detect::AppendJson(finding, &json);
  auto object = nlohmann::ordered_json::parse(json);
  object["state"] = state;
  json = base::JsonText(object) + "\n";
  std::fwrite(json.data(), 1, json.size(), stdout);
}

void SayRefused(const detect::RefusedRule& rule) {
  std::fprintf(stderr, "rankscope: detector rule %s refused: %s\n", rule.rule.c_str(), rule.reason.c_str());
}

}  // namespace

base::Result<std::vector<detect::Finding>> FindingsOfStoredJob(const RuleSources& sources, const std::string& server,
                                                               const std::string& job) {
  ASSIGN_OR_RETURN(auto rules, LoadRules(sources));
  detect::FindingsList findings;
  detect::Engine engine(
      rules, [&](const detect::Finding& finding) { findings.Take(finding); }, SayRefused);
  RETURN_IF_ERROR(ReadStoredJob(server, job, [&](const model::RecordView& record) { engine.Take(record); }));
  return findings.all();
}

base::Status RunDetect(const DetectOptions& options) {
  if (options.paths.empty() == options.job.empty()) {
    return base::Status::Invalid("detect: expected either paths or --job_id");
  }
  ASSIGN_OR_RETURN(auto rules, LoadRules(options.rules));
  GroupedFindings findings;
  detect::Engine engine(
      rules, [&](const detect::Finding& finding) { findings.Take(finding); }, SayRefused);
  auto take = [&](const model::RecordView& record) { engine.Take(record); };
  if (options.job.empty()) {
    RETURN_IF_ERROR(ReadRecordFiles(options.paths, take));
  } else {
    RETURN_IF_ERROR(ReadStoredJob(options.server, options.job, take));
  }
  for (const detect::Finding& finding : findings.All()) {
    options.json ? PrintJson(finding, findings.StateOf(finding)) : PrintText(finding);
  }
  return {};
}

}  // namespace rankscope::cli
