#include "model/action.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace rankscope::model {
namespace {

struct Known {
  std::string_view name;
  bool (*takes)(std::string_view argument);
  std::string want;
};

bool IsNothing(std::string_view argument) { return argument.empty(); }
bool IsWord(std::string_view argument) {
  return !argument.empty() && argument.find_first_of(" \t\n") == std::string_view::npos;
}
bool IsLevel(std::string_view argument) {
  static constexpr std::array<std::string_view, 4> kLevels = {"DEBUG", "INFO", "WARNING", "ERROR"};
  return std::find(kLevels.begin(), kLevels.end(), argument) != kLevels.end();
}
bool IsInterval(std::string_view argument) {
  uint32_t steps = 0;
  auto [end, error] = std::from_chars(argument.data(), argument.data() + argument.size(), steps);
  bool whole = error == std::errc() && end == argument.data() + argument.size() && argument.front() != '0';
  return whole && steps <= kMostLogIntervalSteps;
}

const Known kActions[] = {
    {"notify_only", IsNothing, "no argument"},
    {"mark", IsNothing, "no argument"},
    {"pause_job", IsNothing, "no argument"},
    {"resume_job", IsNothing, "no argument"},
    {"stop_job", IsNothing, "no argument"},
    {"dump_stacks", IsNothing, "no argument"},
    {"webhook", IsWord, "the name of a channel"},
    {"set_log_interval_steps", IsInterval, "a number from 1 to " + std::to_string(kMostLogIntervalSteps)},
    {"set_level", IsLevel, "DEBUG, INFO, WARNING or ERROR"}};

}  // namespace

base::Result<Action> ParseAction(const std::string& text) {
  size_t space = text.find(' ');
  Action action{text.substr(0, space), space == std::string::npos ? "" : text.substr(space + 1)};
  std::string list;
  for (const Known& known : kActions) {
    list += (list.empty() ? "" : ", ") + std::string(known.name);
    if (known.name != action.name) continue;
    if (known.takes(action.argument)) return action;
    return base::Status::Invalid("action " + action.name + ": want " + known.want + ", found \"" + action.argument +
                                 "\"");
  }
  return base::Status::Invalid("action: want one of " + list + ", found \"" + text + "\"");
}

}  // namespace rankscope::model
