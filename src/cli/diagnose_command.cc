#include "cli/diagnose_command.h"

#include <cstdio>
#include <utility>

#include "base/url.h"
#include "cli/http_client.h"
#include "cli/named_input.h"
#include "diagnose/case/case.h"
#include "diagnose/signatures/signature_set.h"
#include "diagnose/verdict/verdict.h"
#include "diagnose/verdict/verdict_json.h"
#include "diagnose/verdict/verdict_page.h"

namespace rankscope::cli {
namespace {

struct Diagnosis {
  diagnose::Verdict verdict;
  std::string json;  // the whole of it: what a server answers has more than is read back from it
};

std::string Shown(const Diagnosis& diagnosis, const DiagnoseOptions& options) {
  const diagnose::Verdict& verdict = diagnosis.verdict;
  switch (options.output) {
    case DiagnoseOptions::Output::kJson:
      return diagnosis.json + "\n";
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

struct TopologyFile {
  std::string yaml;
  diagnose::Topology topology;
};

// Of no file: an empty one.
base::Result<TopologyFile> ReadTopologyFile(const std::string& path) {
  TopologyFile file;
  if (path.empty()) return file;
  ASSIGN_OR_RETURN(file.yaml, ReadNamedFile(path));
  ASSIGN_OR_RETURN(file.topology, diagnose::ReadTopology(path, file.yaml));
  return file;
}

base::Result<Diagnosis> DiagnoseFiles(const DiagnoseOptions& options, const diagnose::Topology& topology) {
  ASSIGN_OR_RETURN(diagnose::Case read, ReadFiles(options.paths));
  for (const std::string& skipped : read.skipped) std::fprintf(stderr, "left out: %s\n", skipped.c_str());
  Diagnosis diagnosis{diagnose::Diagnose(read, topology), {}};
  diagnosis.json = diagnose::ToJson(diagnosis.verdict, read.skipped);
  return diagnosis;
}

// The server reads the job: its records need not travel.
base::Result<Diagnosis> DiagnoseStoredJob(const DiagnoseOptions& options, const std::string& topology) {
  std::string form;
  if (!topology.empty())
    form = "topology=" + base::UrlEncode(topology) + "&topology_file=" + base::UrlEncode(options.topology);
  std::string answer;
  auto take = [&](std::string_view line) {
    answer = line;
    return true;
  };
  RETURN_IF_ERROR(PostLines(options.server, "/api/v1/jobs/" + base::UrlEncode(options.job) + "/diagnosis", form, take,
                            /*timeout_ms=*/0));
  ASSIGN_OR_RETURN(diagnose::Verdict verdict, diagnose::VerdictFromJson(answer));
  return Diagnosis{std::move(verdict), std::move(answer)};
}

}  // namespace

base::Result<bool> RunDiagnose(const DiagnoseOptions& options) {
  if (options.paths.empty() == options.job.empty()) {
    return base::Status::Invalid("diagnose: expected either paths or --job_id");
  }
  // Read by both: what is wrong with it is said alike, and before anything else.
  ASSIGN_OR_RETURN(TopologyFile topology, ReadTopologyFile(options.topology));
  ASSIGN_OR_RETURN(Diagnosis diagnosis, options.job.empty() ? DiagnoseFiles(options, topology.topology)
                                                            : DiagnoseStoredJob(options, topology.yaml));
  std::string page = Shown(diagnosis, options);
  std::fwrite(page.data(), 1, page.size(), stdout);
  return diagnosis.verdict.healthy;
}

}  // namespace rankscope::cli
