#include "cli/rule_files.h"

#include <algorithm>
#include <iterator>

#include "base/file.h"
#include "cli/named_input.h"
#include "detect/rules/rule_file.h"
#include "model/action.h"

namespace rankscope::cli {
namespace {

base::Status AddFile(const std::string& path, std::vector<detect::Rule>* rules) {
  ASSIGN_OR_RETURN(std::string yaml, ReadNamedFile(path));
  ASSIGN_OR_RETURN(auto more, detect::ParseRuleFile(path, yaml));
  std::move(more.begin(), more.end(), std::back_inserter(*rules));
  return {};
}

}  // namespace

base::Result<std::vector<detect::Rule>> ReadRules(const RuleSources& sources) {
  std::vector<detect::Rule> rules;
  if (!sources.shipped.empty()) {
    ASSIGN_OR_RETURN(auto names, base::ListDirectory(sources.shipped));
    for (const std::string& name : names) {
      if (name.ends_with(".yaml")) RETURN_IF_ERROR(AddFile(sources.shipped + "/" + name, &rules));
    }
  }
  for (const std::string& path : sources.files) RETURN_IF_ERROR(AddFile(path, &rules));
  return rules;
}

base::Result<std::shared_ptr<const detect::RuleSet>> LoadRules(const RuleSources& sources) {
  ASSIGN_OR_RETURN(auto rules, ReadRules(sources));
  return detect::RuleSet::Make(std::move(rules));
}

std::vector<std::string> UnknownChannels(const std::vector<detect::Rule>& rules, const notify::Config* config) {
  std::vector<std::string> sentences;
  for (const detect::Rule& rule : rules) {
    auto action = model::ParseAction(rule.action);
    if (!action.ok() || action->name != "webhook" || (config && config->Find(action->argument))) continue;
    std::string why = config ? "the notification file has no such channel" : "nobody is told without --notify FILE";
    sentences.push_back("rule " + rule.name + ": action \"" + rule.action + "\": " + why);
  }
  return sentences;
}

}  // namespace rankscope::cli
