#include "retention_rules.h"

#include <CLI/CLI.hpp>

#include "access/role.h"
#include "model/time_text.h"

namespace rankscope {
namespace {

struct Rule {
  std::string project, value;
};

base::Result<Rule> SplitRule(const std::string& text) {
  size_t equals = text.find('=');
  if (equals == std::string::npos) return Rule{"", text};
  Rule rule{text.substr(0, equals), text.substr(equals + 1)};
  RETURN_IF_ERROR(access::CheckProjectName(rule.project));
  return rule;
}

// Nothing for 0 as well: elsewhere that is no limit; here it would be to keep nothing.
std::optional<int64_t> ParseAge(const std::string& text) {
  auto age = model::ParseDuration(text);
  return age == 0 ? std::nullopt : age;
}

std::optional<uint64_t> ParseSize(std::string text) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;  // CLI11 would take -3 for a large one
  try {
    if (!CLI::AsSizeValue(false)(text).empty()) return std::nullopt;  // it leaves the number in the text
    uint64_t bytes = std::stoull(text);
    return bytes == 0 ? std::nullopt : std::optional(bytes);
  } catch (const CLI::Error&) {  // a unit that it does not know
    return std::nullopt;
  }
}

template <typename T>
T Find(const std::map<std::string, T>& values, const std::string& project) {
  auto found = values.find(project);
  if (found == values.end()) found = values.find("");
  return found == values.end() ? T() : found->second;
}

// `parse` gives nothing for what it does not understand.
template <typename T, typename Parse>
base::Status Add(const std::vector<std::string>& texts, const char* option, const char* example, const Parse& parse,
                 std::map<std::string, std::optional<T>>* rules) {
  for (const std::string& text : texts) {
    auto rule = SplitRule(text);
    if (!rule.ok()) return rule.status().WithContext(std::string(option) + " " + text);
    std::optional<T> value = rule->value == "none" ? std::nullopt : parse(rule->value);
    if (!value && rule->value != "none") {
      return base::Status::Invalid(std::string(option) + " \"" + text + "\": want [PROJECT=]" + example + " or none");
    }
    (*rules)[rule->project] = value;
  }
  return {};
}

}  // namespace

base::Result<RetentionRules> RetentionRules::Parse(const std::vector<std::string>& ages,
                                                   const std::vector<std::string>& sizes) {
  RetentionRules rules;
  RETURN_IF_ERROR(Add<int64_t>(ages, "--retention", "30d", ParseAge, &rules.ages_));
  RETURN_IF_ERROR(Add<uint64_t>(sizes, "--retention-bytes", "100GB", ParseSize, &rules.sizes_));
  return rules;
}

store::Retention RetentionRules::Of(const std::string& project) const {
  return {Find(ages_, project), Find(sizes_, project)};
}

}  // namespace rankscope
