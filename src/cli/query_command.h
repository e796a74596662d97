#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "base/status.h"

namespace rankscope::cli {

// GETs a route that answers NDJSON and calls `take` with each row. kUnavailable "the answer is partial: …" when the
// server ended it early; the rows before were taken.
base::Status GetRows(const std::string& server, const std::string& path,
                     const std::function<bool(const nlohmann::ordered_json&)>& take);

// "job_id:… AND (query)" as a query text; either may be empty.
std::string WithJob(const std::string& job, const std::string& query);

// `rankscope query 'Q'`. `output`: table, json (the server's lines as they are) or csv. `width`: of the terminal; 0: it
// is none. That nothing was found, and what a table leaves out, is said on stderr.
base::Status RunQueryCommand(const std::string& server, const std::string& query, const std::string& output,
                             size_t width);

// `rankscope patterns`: the templates of a job's lines, most frequent first.
struct PatternsOptions {
  std::string server, job, query, since, output;
  uint64_t limit = 50;
  size_t width = 0;  // of the terminal; 0: it is none
};
base::Status RunPatterns(const PatternsOptions& options);

}  // namespace rankscope::cli
