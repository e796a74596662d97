#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace rankscope::cli {

struct DiagnoseOptions {
  enum class Output : uint8_t { kText, kJson, kHtml };

  std::vector<std::string> paths;
  std::string server, job;  // instead of paths: a stored job
  std::string topology;     // a file, see diagnose/slowness/topology.h; empty: none
  Output output = Output::kText;
  bool color = false;
};

// `rankscope diagnose PATH…|--job_id J`: reads the logs as they lie about, or the job's records, and prints what went
// wrong. Returns whether the job is healthy. kNotFound, kInvalid: as diagnose::ReadCase; kNotFound: no line in
// the files, or no record of the job. A topology that cannot be read is an error likewise.
base::Result<bool> RunDiagnose(const DiagnoseOptions& options);

}  // namespace rankscope::cli
