#include "cli/detect_command.h"

#include <cstdio>

#include "cli/http_client.h"
#include "cli/query_command.h"
#include "cli/record_files.h"
#include "detect/engine.h"
#include "detect/findings_list.h"
#include "model/record_batch.h"
#include "model/record_json.h"
#include "parse/json_record.h"

namespace rankscope::cli {
namespace {

constexpr size_t kBatchRecords = 1000;

// Reads the stored job through the query door, oldest record first.
class StoredJob {
 public:
  explicit StoredJob(detect::Engine* engine) : engine_(engine) {}

  base::Status Read(const std::string& server, const std::string& job) {
    base::Status status;
    RETURN_IF_ERROR(GetRows(server, "/api/v1/query?query=" + UrlEncode(WithJob(job, "")), [&](const auto& row) {
      status = Add(row.dump());
      return status.ok();
    }));
    RETURN_IF_ERROR(status);
    if (records_ == 0) return base::Status::NotFound("job " + job + ": no record of it");
    return Pass();
  }

 private:
  base::Status Add(std::string line) {
    size_t size = line.size();
    line.append(parse::JsonRecordReader::kPadding, '\0');
    ++records_;
    RETURN_IF_ERROR(reader_.Read(std::string_view(line).substr(0, size), 0, /*seq=*/0, &builder_));
    return builder_.size() >= kBatchRecords ? Pass() : base::Status();
  }

  base::Status Pass() {
    ASSIGN_OR_RETURN(auto batch, model::RecordBatch::Decode(builder_.Take()));
    model::RecordBatch::Cursor cursor(*batch);
    while (cursor.Next(&record_)) engine_->Take(record_);
    return {};
  }

  detect::Engine* engine_;
  parse::JsonRecordReader reader_{""};
  model::RecordBatchBuilder builder_;
  model::RecordView record_;
  uint64_t records_ = 0;
};

std::string WhoOf(const detect::Finding& finding) {
  std::string who = finding.job;
  if (finding.attempt > 0) who += " attempt " + std::to_string(finding.attempt);
  if (finding.scope.rank) return who + " rank " + std::to_string(*finding.scope.rank);
  return finding.scope.node_rank ? who + " node " + std::to_string(*finding.scope.node_rank) : who;
}

// SEVERITY time job rank 3 step 12  Rule (class): message
void PrintText(const detect::Finding& finding) {
  std::string step = finding.step ? " step " + std::to_string(*finding.step) : "";
  std::printf("%-8s %s %s%s  %s (%s): %s\n", std::string(SeverityName(finding.severity)).c_str(),
              model::FormatTime(finding.time).c_str(), WhoOf(finding).c_str(), step.c_str(), finding.rule.c_str(),
              finding.finding_class.c_str(), finding.message.c_str());
  for (const detect::Cause& cause : finding.likely) {
    std::printf("           %2.0f %% %s: %s\n", 100 * cause.probability, cause.cause.c_str(), cause.why.c_str());
  }
}

void PrintJson(const detect::Finding& finding) {
  std::string json;
  detect::AppendJson(finding, &json);
  json.push_back('\n');
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
  RETURN_IF_ERROR(StoredJob(&engine).Read(server, job));
  return findings.all();
}

base::Status RunDetect(const DetectOptions& options) {
  if (options.paths.empty() == options.job.empty()) {
    return base::Status::Invalid("detect: expected either paths or --job_id");
  }
  ASSIGN_OR_RETURN(auto rules, LoadRules(options.rules));
  detect::FindingsList findings;
  detect::Engine engine(
      rules, [&](const detect::Finding& finding) { findings.Take(finding); }, SayRefused);
  if (options.job.empty()) {
    RETURN_IF_ERROR(ReadRecordFiles(options.paths, [&](const model::RecordView& record) { engine.Take(record); }));
  } else {
    RETURN_IF_ERROR(StoredJob(&engine).Read(options.server, options.job));
  }
  for (const detect::Finding& finding : findings.all()) options.json ? PrintJson(finding) : PrintText(finding);
  return {};
}

}  // namespace rankscope::cli
