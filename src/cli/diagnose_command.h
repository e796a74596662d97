#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace rankscope::cli {

struct DiagnoseOptions {
  enum class Output : uint8_t { kText, kJson, kHtml };

  std::vector<std::string> paths;
  Output output = Output::kText;
  bool color = false;
};

// `rankscope diagnose PATH…`: reads the logs as they lie about and prints what went wrong. Returns whether the job is
// healthy. kNotFound, kInvalid: as diagnose::ReadCase.
base::Result<bool> RunDiagnose(const DiagnoseOptions& options);

}  // namespace rankscope::cli
