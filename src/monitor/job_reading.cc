#include "monitor/job_reading.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "catalog/job_pause.h"
#include "diagnose/case/record_case.h"
#include "diagnose/reading/saved_checkpoints.h"
#include "diagnose/signatures/signature_set.h"
#include "model/event.h"
#include "model/record_json.h"
#include "monitor/diagnosis_event.h"
#include "monitor/launch_attempts.h"

namespace rankscope::monitor {
namespace {

using model::Filter;

constexpr char kStepTime[] = "step_time_s";
constexpr std::array<const char*, 6> kCurves = {"loss",    "learning_rate",    "gradient_norm",
                                                kStepTime, "gpu_memory_usage", "throughput_tokens_per_sec"};

constexpr int64_t kLongestLookAtPorts = 20 * base::kNsPerSecond;  // some 10 million records

std::string EventName(const model::Record& record) {
  const auto* name = record.stream == model::Stream::kEvent ? model::FindField(record.fields, "event") : nullptr;
  const auto* text = name ? std::get_if<std::string>(name) : nullptr;
  return text ? *text : "";
}

// The hook's word of an exception begins as the traceback ends that it speaks of.
void AddLine(const model::Record& record, const std::string& event, int32_t attempt, diagnose::RecordCase* lines) {
  constexpr std::string_view kHook = "ends by an uncaught ";
  const bool of_hook = event == "uncaught_exception" && record.text.starts_with(kHook);
  std::string json;
  if (of_hook || attempt != record.origin.attempt) {
    model::Record said = record;
    said.origin.attempt = attempt;
    if (of_hook) said.text.erase(0, kHook.size());
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
      steps_ = {};
      step_.reset();
      source_ = source;
    }
    reading_->progress.Add(record.time, *record.step);
    for (const char* metric : kCurves) {
      const auto* field = model::FindField(record.fields, metric);
      auto value = field ? model::AsNumber(*field) : std::nullopt;
      if (value) reading_->curves[metric].Add(*record.step, *value);
    }
    FollowSteps(record);
  }

  // Who tells no step time has one: the time from step to step.
  void End() {
    if (!reading_->curves.contains(kStepTime) && !steps_.points().empty()) reading_->curves[kStepTime] = steps_;
  }

 private:
  using Source = std::pair<int, int32_t>;

  void FollowSteps(const model::Record& record) {
    if (record.step == step_) return;
    if (step_ && *record.step > *step_ && record.time > time_) {
      const double seconds = static_cast<double>(record.time - time_) / base::kNsPerSecond;
      steps_.Add(*record.step, seconds / static_cast<double>(*record.step - *step_));
    }
    step_ = record.step;
    time_ = record.time;
  }

  JobReading* reading_;
  std::optional<Source> source_;
  diagnose::Curve steps_;
  std::optional<int64_t> step_;
  base::TimeNs time_ = 0;
};

void NoteCheckpoint(const model::Record& record, diagnose::SavedCheckpoints* saved) {
  if (record.stream == model::Stream::kEvent) return;
  if (record.step) saved->Report(*record.step, record.origin.rank);
  bool printed = record.stream == model::Stream::kStdout || record.stream == model::Stream::kStderr;
  if (!printed) return;
  if (auto line = diagnose::ReadCheckpointLine(record.text)) saved->Take(*std::move(line), record.origin.rank);
}

Filter ScanFilter(const std::string& job, JobPart part) {
  Filter of_job = Filter::Text(Filter::Kind::kEquals, "job_id", job, /*case_sensitive=*/true);
  if (part == JobPart::kAll) return of_job;
  return Filter::And({std::move(of_job), Filter::Exists("step")});
}

Filter ActionsFilter(const std::string& job) {
  return Filter::And({Filter::Text(Filter::Kind::kEquals, "job_id", job, /*case_sensitive=*/true),
                      Filter::Text(Filter::Kind::kEquals, "event", "action", /*case_sensitive=*/true)});
}

// Until when stacks and silence tell of no hang: after they were taken all ranks came to a pause, or they stood in it.
class PausedUntil {
 public:
  void Take(const model::Record& action) {
    bool was_paused = pause_.has_value();
    catalog::FollowPause(action, &pause_);
    if (pause_) time_ = INT64_MAX;
    if (was_paused && !pause_) time_ = action.time;
  }
  bool Voids(const model::Record& record) const {
    return record.stream == model::Stream::kStack && record.time <= time_;
  }
  base::TimeNs time() const { return time_; }

 private:
  std::optional<catalog::Pause> pause_;
  base::TimeNs time_ = 0;
};

// Counters that belong to no job: of the ports of switches and of hosts, while the job ran.
Filter PortsFilter(const catalog::JobRow& job) {
  return Filter::And({Filter::Not(Filter::Exists("job_id")), Filter::Time(job.started, job.last_heard + 1),
                      Filter::Or({Filter::Exists("port"), Filter::Exists("device")})});
}

}  // namespace

base::Result<JobReading> ReadJob(query::LogSource* logs, const catalog::JobRow& job, JobPart part,
                                 const std::function<bool()>& stopped) {
  JobReading reading;
  Reports reports(&reading);
  diagnose::RecordCase lines("job " + job.job, diagnose::TellingLines());
  bool cut = false;
  auto read = [&](Filter filter, base::Budget* budget, const std::function<void(const model::Record&)>& take) {
    model::Scan scan;
    scan.project = job.project;
    scan.filter = std::move(filter);
    return logs->Read(scan, budget, [&](const model::Record& record) {
      take(record);
      cut = stopped();
      return !cut;
    });
  };
  base::Budget unlimited;
  LaunchAttempts attempts;
  PausedUntil paused;
  diagnose::SavedCheckpoints checkpoints;
  if (part == JobPart::kAll) {
    RETURN_IF_ERROR(
        read(ActionsFilter(job.job), &unlimited, [&](const model::Record& action) { paused.Take(action); }));
  }
  RETURN_IF_ERROR(read(ScanFilter(job.job, part), &unlimited, [&](const model::Record& record) {
    std::string event = EventName(record);
    if (event == kDiagnosis) reading.last_diagnosis = GistOf(record);
    const int32_t attempt = attempts.Of(record);
    if (model::IsJudgement(event) || paused.Voids(record)) return;
    reports.Take(record);
    NoteCheckpoint(record, &checkpoints);
    if (part == JobPart::kAll) AddLine(record, event, attempt, &lines);
  }));
  if (part == JobPart::kAll && !cut) {
    base::Budget budget({0, kLongestLookAtPorts, 0});
    bool begun = false;
    RETURN_IF_ERROR(read(PortsFilter(job), &budget, [&](const model::Record& record) {
      if (!std::exchange(begun, true)) lines.BeginSurroundings("project " + job.project);
      AddLine(record, "", record.origin.attempt, &lines);
    }));
    if (budget.met() != base::Budget::Limit::kNone) {
      reading.left_out = "counters of the project's ports are so many that only the first were read";
    }
  }
  if (cut) return base::Status::Unavailable("the server is stopping");
  reports.End();
  if (auto whole = checkpoints.whole()) reading.last_checkpoint = whole->step;
  reading.lines = lines.End();
  reading.lines.paused_until = paused.time();
  reading.lines.last_launch = attempts.last_launch();
  return reading;
}

}  // namespace rankscope::monitor
