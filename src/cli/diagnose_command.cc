#include "cli/diagnose_command.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/http_client.h"
#include "diagnose/case/case.h"
#include "diagnose/signatures/signature_set.h"
#include "diagnose/verdict.h"
#include "diagnose/verdict_json.h"
#include "diagnose/verdict_page.h"

namespace rankscope::cli {
namespace {

std::string Shown(const diagnose::Verdict& verdict, const DiagnoseOptions& options) {
  switch (options.output) {
    case DiagnoseOptions::Output::kJson:
      return diagnose::ToJson(verdict) + "\n";
    case DiagnoseOptions::Output::kHtml:
      return diagnose::ToHtml(verdict);
    case DiagnoseOptions::Output::kText:
      break;
  }
  return diagnose::ToText(verdict, options.color);
}

// Of no words at all nobody can say that the job is healthy.
base::Result<diagnose::Case> ReadFiles(const std::vector<std::string>& paths) {
  ASSIGN_OR_RETURN(diagnose::Case read, diagnose::ReadCase(paths, diagnose::TellingLines()));
  if (read.lines_read > 0 || !read.error_files.empty() || !read.dumps.empty()) return read;
  std::string why = read.skipped.empty() ? "" : "; left out: " + read.skipped.front();
  return base::Status::NotFound(paths.front() + (paths.size() > 1 ? " and the other paths" : "") +
                                ": no line of a log, no error file and no flight-recorder dump in it" + why);
}

base::Result<diagnose::Verdict> DiagnoseFiles(const DiagnoseOptions& options) {
  diagnose::Topology topology;
  if (!options.topology.empty()) {
    ASSIGN_OR_RETURN(std::string yaml, base::ReadWholeFile(options.topology));
    ASSIGN_OR_RETURN(topology, diagnose::ReadTopology(options.topology, yaml));
  }
  ASSIGN_OR_RETURN(diagnose::Case read, ReadFiles(options.paths));
  for (const std::string& skipped : read.skipped) std::fprintf(stderr, "left out: %s\n", skipped.c_str());
  return diagnose::Diagnose(read, topology);
}

// The server reads the job: its records need not travel.
base::Result<diagnose::Verdict> DiagnoseStoredJob(const DiagnoseOptions& options) {
  nlohmann::json body = nlohmann::json::object();
  if (!options.topology.empty()) {
    ASSIGN_OR_RETURN(body["topology"], base::ReadWholeFile(options.topology));
    body["topology_file"] = options.topology;
  }
  std::string answer;
  auto take = [&](std::string_view line) {
    answer = line;
    return true;
  };
  RETURN_IF_ERROR(PostLines(options.server, "/api/v1/jobs/" + UrlEncode(options.job) + "/diagnosis",
                            body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), take,
                            /*timeout_ms=*/0));
  return diagnose::VerdictFromJson(answer);
}

}  // namespace

base::Result<bool> RunDiagnose(const DiagnoseOptions& options) {
  if (options.paths.empty() == options.job.empty()) {
    return base::Status::Invalid("diagnose: expected either paths or --job_id");
  }
  ASSIGN_OR_RETURN(diagnose::Verdict verdict,
                   options.job.empty() ? DiagnoseFiles(options) : DiagnoseStoredJob(options));
  std::string page = Shown(verdict, options);
  std::fwrite(page.data(), 1, page.size(), stdout);
  return verdict.healthy;
}

}  // namespace rankscope::cli
