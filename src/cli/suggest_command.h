#pragma once

#include <string>

#include "base/status.h"

namespace rankscope::cli {

struct SuggestOptions {
  std::string server;
  std::string incident, job;                       // one of them
  std::string rule_file = "suggested.yaml";        // written, unless it is there
  std::string test_file = "suggested_tests.yaml";  // likewise
};

// `rankscope rules suggest`: writes a rule for what broke a job, and its tests; then replays that job and the stored
// healthy ones with it and says how often it fires. A person reads it and puts it among the server's --rules.
// kInvalid: there is nothing to make a rule of, or a file is there already.
base::Status RunSuggest(const SuggestOptions& options);

}  // namespace rankscope::cli
