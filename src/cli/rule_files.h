#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "detect/rules/rule_set.h"
#include "notify/config.h"

namespace rankscope::cli {

// Where rules come from: every *.yaml of the folder that is shipped ("" or absent: none), and files of one's own.
struct RuleSources {
  std::string shipped;
  std::vector<std::string> files;
};

// kInvalid: the first thing that is wrong in one of the files; then there are no rules at all.
base::Result<std::vector<detect::Rule>> ReadRules(const RuleSources& sources);
base::Result<std::shared_ptr<const detect::RuleSet>> LoadRules(const RuleSources& sources);

// A sentence for each rule that sends what it finds to a channel of notifications (webhook) that `config` has not, or,
// with a null config, to any: nobody is told at all then.
std::vector<std::string> UnknownChannels(const std::vector<detect::Rule>& rules, const notify::Config* config);

}  // namespace rankscope::cli
