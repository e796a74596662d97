#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"

namespace rankscope::cli {

struct LogsOptions {
  std::string server;  // HOST:PORT
  std::string job, ranks, node_ranks, hosts, since, until;
  std::string streams;                                   // empty: all, but as text no samples of host and GPU
  std::optional<int64_t> attempt;                        // none: all
  std::vector<std::string> include, exclude, highlight;  // regular expressions; highlight: words
  std::optional<uint64_t> limit;                         // the last N
  bool follow = false;
  int64_t give_up_after_s = 300;                           // that follow waits for a server that is gone; 0: for ever
  std::function<base::Result<std::string>()> find_server;  // where it is then
  bool json = false;
  bool color = false;
  bool fold = false;  // one line for what several ranks say alike (cli/line_folder.h); never with json
  bool show_time = false;
};

// Prints the selected records, oldest first. kNotFound for an unknown job.
base::Status RunLogs(const LogsOptions& options);

}  // namespace rankscope::cli
