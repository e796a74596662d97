#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "base/status.h"

namespace rankscope::cli {

// GETs a route that answers NDJSON and calls `take` with each row. kInternal "the answer is partial: …" when the
// server ended it early; the rows before were taken.
base::Status GetRows(const std::string& server, const std::string& path,
                     const std::function<bool(const nlohmann::ordered_json&)>& take);

// "job_id:…" and a filter as a query text. For filters of ours: one that somebody wrote goes as it is, beside the
// parameter job_id, so that the columns of its errors are those of what was written.
std::string WithJob(const std::string& job, const std::string& filter);

// "query=FILTER&job_id=JOB&start=START" of those that are not empty: what the routes that take a filter are asked with.
std::string FilterParameters(const std::string& filter, const std::string& job, const std::string& start);

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
