#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace rankscope::cli {

// `rankscope insights`: what the jobs of a project teach together.
base::Status RunInsights(const std::string& server, bool json);

// `rankscope diff JOB OLD`: what changed between two jobs.
base::Status RunDiff(const std::string& server, const std::string& job, const std::string& old, bool json);

enum class FixState : uint8_t { kGone, kBack, kNotReached };

// `rankscope verify-fix JOB --against OLD`: whether what broke OLD is gone. kInvalid: OLD is healthy.
base::Result<FixState> RunVerifyFix(const std::string& server, const std::string& job, const std::string& old,
                                    bool json);

}  // namespace rankscope::cli
