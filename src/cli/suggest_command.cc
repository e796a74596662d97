#include "cli/suggest_command.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/counted.h"
#include "base/file.h"
#include "base/url.h"
#include "cli/detect_command.h"
#include "cli/http_client.h"

namespace rankscope::cli {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostHealthyJobs = 20;  // that are replayed, the newest

base::Result<std::vector<Json>> GetRowsOf(const std::string& server, const std::string& path) {
  std::vector<Json> rows;
  RETURN_IF_ERROR(GetLines(server, path, [&](std::string_view line) {
    Json row = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (row.is_object()) rows.push_back(std::move(row));
    return true;
  }));
  return rows;
}

// For what a rule is wanted.
struct Subject {
  std::string job;
  std::string found_by;  // "incident i-1, which rule Hang found"; empty: of the job alone
};

base::Result<Subject> SubjectOf(const SuggestOptions& options) {
  if (options.incident.empty() == options.job.empty()) {
    return base::Status::Invalid("rules suggest: expected either --incident or --job_id");
  }
  if (!options.job.empty()) return Subject{options.job, ""};
  ASSIGN_OR_RETURN(auto rows, GetRowsOf(options.server, "/api/v1/incidents/" + base::UrlEncode(options.incident)));
  std::string job = rows.empty() ? "" : rows.front().value("job_id", "");
  if (job.empty()) return base::Status::NotFound("no incident \"" + options.incident + "\"");
  return Subject{job, "incident " + options.incident + ", which rule " + rows.front().value("rule", "") + " found"};
}

base::Status WriteNew(const std::string& path, const std::string& text) {
  if (base::ReadWholeFile(path).ok()) return base::Status::Invalid(path + ": is there already, and stays as it is");
  return base::WriteFileAtomically(path, text);
}

base::Result<size_t> CountFindings(const SuggestOptions& options, const std::string& job) {
  ASSIGN_OR_RETURN(auto findings, FindingsOfStoredJob({"", {options.rule_file}}, options.server, job));
  return findings.size();
}

// Says of how many healthy jobs the rule would have spoken.
base::Status ReplayHealthyJobs(const SuggestOptions& options, const std::string& broken) {
  ASSIGN_OR_RETURN(auto jobs, GetRowsOf(options.server, "/api/v1/jobs"));
  size_t replayed = 0, alarms = 0;
  for (const Json& row : jobs) {
    std::string job = row.value("job_id", "");
    const bool ended_well = row.value("state", "") == "finished" && row.value("diagnosis", "").empty();
    if (!ended_well || job == broken || replayed == kMostHealthyJobs) continue;
    ASSIGN_OR_RETURN(size_t findings, CountFindings(options, job));
    ++replayed;
    alarms += findings > 0 ? 1 : 0;
    if (findings > 0) std::printf("  a false alarm in job %s\n", job.c_str());
  }
  std::printf("of %s that ended well, it fires in %zu\n", base::Counted(replayed, "stored job").c_str(), alarms);
  return {};
}

}  // namespace

base::Status RunSuggest(const SuggestOptions& options) {
  ASSIGN_OR_RETURN(const Subject subject, SubjectOf(options));
  const std::string& job = subject.job;
  std::string path = "/api/v1/jobs/" + base::UrlEncode(job) + "/rule-suggestion?rule_file=" +
                     base::UrlEncode(options.rule_file.substr(options.rule_file.rfind('/') + 1));
  auto answer = GetRowsOf(options.server, path);
  // Of a hang that goes on, say, the rule that found it knows all that there is.
  if (!answer.ok() && !subject.found_by.empty()) return answer.status().WithContext(subject.found_by);
  ASSIGN_OR_RETURN(auto rows, std::move(answer));
  if (rows.empty()) return base::Status::Invalid("the server's answer is no JSON object");
  RETURN_IF_ERROR(WriteNew(options.rule_file, rows.front().value("rules", "")));
  RETURN_IF_ERROR(WriteNew(options.test_file, rows.front().value("tests", "")));
  std::printf("wrote %s and %s\n", options.rule_file.c_str(), options.test_file.c_str());
  ASSIGN_OR_RETURN(size_t findings, CountFindings(options, job));
  std::printf("in job %s it fires %s\n", job.c_str(), base::Counted(findings, "time").c_str());
  RETURN_IF_ERROR(ReplayHealthyJobs(options, job));
  std::printf("try it: rankscope rules test %s; use it: rankscope serve --rules %s\n", options.test_file.c_str(),
              options.rule_file.c_str());
  return {};
}

}  // namespace rankscope::cli
