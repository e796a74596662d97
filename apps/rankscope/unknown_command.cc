#include "unknown_command.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/nearest.h"

namespace rankscope {
namespace {

constexpr auto kEach = [](const CLI::App*) { return true; };

// But those that only we call.
std::vector<std::string> CommandsOf(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(kEach)) {
    if (!command->get_group().empty()) names.push_back(command->get_name());
  }
  return names;
}

std::string Describe(const CLI::App& app, const std::string& word) {
  std::vector<std::string> commands = CommandsOf(app);
  std::vector<std::string_view> known(commands.begin(), commands.end());
  std::string under = app.get_parent() ? app.get_name() + " " : "";
  return "rankscope: no command \"" + under + word + "\"" + base::Nearest(word, known) + "; `rankscope " + under +
         "--help` lists them\n";
}

}  // namespace

std::string UnknownCommand(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* at = &app;
  for (const std::string& word : words) {
    auto commands = at->get_subcommands(kEach);
    if (word.starts_with('-') || commands.empty()) return "";
    auto is_it = [&](const CLI::App* command) { return command->get_name() == word; };
    auto found = std::find_if(commands.begin(), commands.end(), is_it);
    if (found == commands.end()) return Describe(*at, word);
    at = *found;
  }
  return "";
}

}  // namespace rankscope
