#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/status.h"
#include "catalog/catalog.h"
#include "diagnose/case/case.h"
#include "diagnose/knowledge/job_facts.h"
#include "diagnose/knowledge/progress_meter.h"
#include "query/log_source.h"

namespace rankscope::monitor {

// A stored job, read once: what a diagnosis needs, and what its curves were.
struct JobReading {
  // Without what others have said of the job, since the verdict is to be one's own, and without the stacks of a run
  // that was paused then; with the project's records of its time that tell of ports of its network.
  diagnose::Case lines;
  diagnose::ProgressMeter progress;               // of the lowest rank that reports steps
  std::map<std::string, diagnose::Curve> curves;  // likewise
  std::optional<int64_t> last_checkpoint;         // the greatest step that was saved as a whole
  std::string left_out;                           // what was not read, and why; empty: nothing
  std::string last_diagnosis;                     // how the last one in the job's stream is to be told from others
};

enum class JobPart : uint8_t { kAll, kReports };  // kReports: what has a step; `lines` stays empty

// kUnavailable: `stopped` said so in the meantime. What is damaged is left out, as by every query.
base::Result<JobReading> ReadJob(query::LogSource* logs, const catalog::JobRow& job, JobPart part,
                                 const std::function<bool()>& stopped);

}  // namespace rankscope::monitor
