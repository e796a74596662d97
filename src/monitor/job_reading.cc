#include "monitor/job_reading.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "diagnose/case/record_case.h"
#include "diagnose/checkpoint_line.h"
#include "diagnose/signatures/signature_set.h"
#include "model/event.h"
#include "model/record_json.h"
#include "monitor/diagnosis_event.h"

namespace rankscope::monitor {
namespace {

using model::Filter;

constexpr std::array<const char*, 6> kCurves = {"loss",        "learning_rate",    "gradient_norm",
                                                "step_time_s", "gpu_memory_usage", "throughput_tokens_per_sec"};

std::string EventName(const model::Record& record) {
  const auto* name = record.stream == model::Stream::kEvent ? model::FindField(record.fields, "event") : nullptr;
  const auto* text = name ? std::get_if<std::string>(name) : nullptr;
  return text ? *text : "";
}

// The hook's word of an exception begins as the traceback ends that it speaks of.
void AddLine(const model::Record& record, const std::string& event, diagnose::RecordCase* lines) {
  constexpr std::string_view kHook = "ends by an uncaught ";
  std::string json;
  if (event == "uncaught_exception" && record.text.starts_with(kHook)) {
    model::Record said = record;
    said.text.erase(0, kHook.size());
    model::AppendJson(said, &json);
  } else {
    model::AppendJson(record, &json);
  }
  lines->Add(json);
}

// Takes the reports of one rank: the lowest, and its hook's rather than the lines it prints.
class Reports {
 public:
  explicit Reports(JobReading* reading) : reading_(reading) {}

  void Take(const model::Record& record) {
    if (!record.step || record.stream == model::Stream::kEvent) return;
    Source source{record.stream == model::Stream::kMetric ? 0 : 1, record.origin.rank.value_or(0)};
    if (source_ && *source_ < source) return;
    if (source_ != source) {
      reading_->progress = {};
      reading_->curves.clear();
      source_ = source;
    }
    reading_->progress.Add(record.time, *record.step);
    for (const char* metric : kCurves) {
      const auto* field = model::FindField(record.fields, metric);
      auto value = field ? model::AsNumber(*field) : std::nullopt;
      if (value) reading_->curves[metric].Add(*record.step, *value);
    }
  }

 private:
  using Source = std::pair<int, int32_t>;
  JobReading* reading_;
  std::optional<Source> source_;
};

void NoteCheckpoint(const model::Record& record, JobReading* reading) {
  bool printed = record.stream == model::Stream::kStdout || record.stream == model::Stream::kStderr;
  if (!printed || record.text.find("heckpoint") == std::string::npos) return;
  auto saved = diagnose::ReadCheckpointLine(record.text);
  if (saved && saved->step) reading->last_checkpoint = std::max(reading->last_checkpoint.value_or(0), *saved->step);
}

Filter ScanFilter(const std::string& job, JobPart part) {
  Filter of_job = Filter::Text(Filter::Kind::kEquals, "job_id", job, /*case_sensitive=*/true);
  if (part == JobPart::kAll) return of_job;
  return Filter::And({std::move(of_job), Filter::Exists("step")});
}

}  // namespace

base::Result<JobReading> ReadJob(query::LogSource* logs, const std::string& project, const std::string& job,
                                 JobPart part, const std::function<bool()>& stopped) {
  JobReading reading;
  Reports reports(&reading);
  diagnose::RecordCase lines("job " + job, diagnose::TellingLines());
  model::Scan scan;
  scan.project = project;
  scan.filter = ScanFilter(job, part);
  base::Budget budget;
  bool cut = false;
  RETURN_IF_ERROR(logs->Read(scan, &budget, [&](const model::Record& record) {
    std::string event = EventName(record);
    if (event == kDiagnosis) reading.last_diagnosis = GistOf(record);
    if (model::IsJudgement(event)) return true;
    reports.Take(record);
    NoteCheckpoint(record, &reading);
    if (part == JobPart::kAll) AddLine(record, event, &lines);
    cut = stopped();
    return !cut;
  }));
  if (cut) return base::Status::Unavailable("the server is stopping");
  reading.lines = lines.End();
  return reading;
}

}  // namespace rankscope::monitor
