#pragma once

#include <string>

#include "base/clock.h"
#include "base/status.h"

namespace rankscope::cli {

// What the durations of --since and --until count back from: now while the job runs, or where none is named; the job's
// last record afterwards.
struct JobTime {
  std::string state;  // of the job; empty: of none
  base::TimeNs reference = 0;
};

// kNotFound names a job that the server does not know; the job "" is of every job.
base::Result<JobTime> JobTimeOf(const std::string& server, const std::string& job);

// Whether the text (of ParseTimeArgument) counts back from something.
bool IsRelative(const std::string& text);

// Of a job: on stderr, what its times count back from.
void SayReference(const JobTime& time);

// The time of --since in RFC 3339, SayReference said where it is relative; empty for an empty one. kInvalid.
base::Result<std::string> SinceOf(const JobTime& time, const std::string& since);

}  // namespace rankscope::cli
