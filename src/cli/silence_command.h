#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace rankscope::cli {

struct SilenceOptions {
  std::string server, by;  // by: who says so
  std::vector<std::string> matchers;
  std::string lasts, note;  // a duration; why
  bool json = false;        // the server's objects as they are
};

// `rankscope silence add|list|end`: what nobody is to be told of for a while. kInvalid: what the silence lacks;
// kNotFound: the server tells nobody, or has no such silence.
base::Status RunSilenceAdd(const SilenceOptions& options);
base::Status RunSilenceList(const SilenceOptions& options);
base::Status RunSilenceEnd(const SilenceOptions& options, const std::string& id);

}  // namespace rankscope::cli
