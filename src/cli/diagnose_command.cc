#include "cli/diagnose_command.h"

#include <cstdio>

#include "base/file.h"
#include "cli/http_client.h"
#include "cli/query_command.h"
#include "diagnose/case/case.h"
#include "diagnose/case/record_case.h"
#include "diagnose/signatures/signature_set.h"
#include "diagnose/verdict.h"
#include "diagnose/verdict_json.h"
#include "diagnose/verdict_page.h"
#include "model/event.h"

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

// The hook's word of an exception begins as the traceback ends that it speaks of.
std::string AsLine(nlohmann::ordered_json row) {
  constexpr std::string_view kHook = "ends by an uncaught ";
  std::string text = row.value("msg", "");
  if (row.value("event", "") == "uncaught_exception" && text.starts_with(kHook)) row["msg"] = text.substr(kHook.size());
  return row.dump();
}

// Without what others have said of the job: the verdict is to be one's own.
base::Result<diagnose::Case> ReadStoredJob(const std::string& server, const std::string& job) {
  diagnose::RecordCase records("job " + job, diagnose::TellingLines());
  RETURN_IF_ERROR(GetRows(server, "/api/v1/query?query=" + UrlEncode(WithJob(job, "")), [&](const auto& row) {
    if (!model::IsJudgement(row.value("event", ""))) records.Add(AsLine(row));
    return true;
  }));
  diagnose::Case read = records.End();
  if (read.lines_read == 0) return base::Status::NotFound("job " + job + ": no record of it");
  return read;
}

// Of no words at all nobody can say that the job is healthy.
base::Result<diagnose::Case> ReadFiles(const std::vector<std::string>& paths) {
  ASSIGN_OR_RETURN(diagnose::Case read, diagnose::ReadCase(paths, diagnose::TellingLines()));
  if (read.lines_read > 0 || !read.error_files.empty() || !read.dumps.empty()) return read;
  std::string why = read.skipped.empty() ? "" : "; left out: " + read.skipped.front();
  return base::Status::NotFound(paths.front() + (paths.size() > 1 ? " and the other paths" : "") +
                                ": no line of a log, no error file and no flight-recorder dump in it" + why);
}

base::Result<diagnose::Case> Read(const DiagnoseOptions& options) {
  if (options.job.empty()) return ReadFiles(options.paths);
  return ReadStoredJob(options.server, options.job);
}

base::Result<diagnose::Topology> ReadTopologyFile(const std::string& path) {
  if (path.empty()) return diagnose::Topology();
  ASSIGN_OR_RETURN(std::string yaml, base::ReadWholeFile(path));
  return diagnose::ReadTopology(path, yaml);
}

}  // namespace

base::Result<bool> RunDiagnose(const DiagnoseOptions& options) {
  if (options.paths.empty() == options.job.empty()) {
    return base::Status::Invalid("diagnose: expected either paths or --job_id");
  }
  ASSIGN_OR_RETURN(diagnose::Topology topology, ReadTopologyFile(options.topology));
  ASSIGN_OR_RETURN(diagnose::Case read, Read(options));
  for (const std::string& skipped : read.skipped) std::fprintf(stderr, "left out: %s\n", skipped.c_str());
  diagnose::Verdict verdict = diagnose::Diagnose(read, topology);
  std::string page = Shown(verdict, options);
  std::fwrite(page.data(), 1, page.size(), stdout);
  return verdict.healthy;
}

}  // namespace rankscope::cli
