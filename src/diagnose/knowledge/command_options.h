#pragma once

#include <map>
#include <string>
#include <string_view>

namespace rankscope::diagnose {

// The command of a run, as it is kept: its words with spaces between them, quotes gone.
struct CommandOptions {
  // "--batch-size 8", "--lr=1e-4" and, as Hydra has it, "optim.lr=1e-4": the name without dashes before it, and what
  // follows it; "true": nothing does. The last of a name counts.
  std::map<std::string, std::string> options;
  std::string rest;  // the command without them
};
CommandOptions ReadCommand(std::string_view command);

}  // namespace rankscope::diagnose
