#include "usage_error.h"

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

// Those of the commands above it, too.
std::vector<std::string> OptionsOf(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* at = &app; at->get_parent(); at = at->get_parent()) {
    for (const CLI::Option* option : at->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

// "spool push"; empty for the program itself.
std::string FullName(const CLI::App& app) {
  if (!app.get_parent()) return "";
  std::string above = FullName(*app.get_parent());
  return (above.empty() ? "" : above + " ") + app.get_name();
}

std::string NearestOf(const std::string& word, const std::vector<std::string>& known) {
  std::vector<std::string_view> views(known.begin(), known.end());
  return base::Nearest(word, views);
}

std::string UnknownCommand(const CLI::App& app, const std::string& word) {
  std::string name = FullName(app);
  return "no command \"" + name + (name.empty() ? "" : " ") + word + "\"" + NearestOf(word, CommandsOf(app));
}

// Which command the words name, and what is wrong with their next one; empty: nothing, it has options and arguments.
std::string FindCommand(const std::vector<std::string>& words, const CLI::App** at) {
  for (const std::string& word : words) {
    // A group of options is a nameless command to CLI11.
    auto commands = (*at)->get_subcommands([](const CLI::App* command) { return !command->get_name().empty(); });
    if (word.starts_with('-') || commands.empty()) return "";
    auto is_it = [&](const CLI::App* command) { return command->get_name() == word; };
    auto found = std::find_if(commands.begin(), commands.end(), is_it);
    if (found == commands.end()) return UnknownCommand(**at, word);
    *at = *found;
  }
  return "";
}

// Most commands about a job have it as their argument; those that ask for records have it as one of their filters.
std::string Superfluous(const CLI::App& command, const std::string& word) {
  const CLI::Option* job = command.get_option_no_throw("--job_id");
  bool is_job = job && job->count() == 0;
  return "\"" + word + "\" is one argument too many" + (is_job ? " (a job is named by --job_id " + word + ")" : "");
}

// Words that are left over: an option that there is not, before what was to be its value.
std::string Unexpected(const CLI::App& command) {
  std::vector<std::string> left;
  for (const CLI::App* at = &command; at; at = at->get_parent()) {
    std::vector<std::string> words = at->remaining();
    left.insert(left.end(), words.begin(), words.end());
  }
  std::erase(left, "--");
  auto option = std::find_if(left.begin(), left.end(), [](const std::string& word) { return word.starts_with('-'); });
  if (option == left.end()) return left.empty() ? "" : Superfluous(command, left.front());
  std::string name = option->substr(0, option->find('='));
  std::string where = command.get_name() == "run" ? " (the command's own come after --)"
                      : command.get_name() == "query"
                          ? " (a query that begins with - comes after --, or with NOT for it)"
                          : "";
  return "no option " + name + NearestOf(name, OptionsOf(command)) + where;
}

std::string Describe(const CLI::App& command, const CLI::ParseError& error) {
  // A mistyped option leaves the one that was meant unset.
  if (dynamic_cast<const CLI::ExtrasError*>(&error) || dynamic_cast<const CLI::RequiredError*>(&error)) {
    if (std::string unexpected = Unexpected(command); !unexpected.empty()) return unexpected;
  }
  // "Could not convert: --limit = x"; numbers are all that is converted.
  constexpr std::string_view kUnconverted = "Could not convert: ";
  std::string text = error.what();
  size_t value = text.find(" = ");
  if (text.starts_with(kUnconverted) && value != std::string::npos) {
    return text.substr(kUnconverted.size(), value - kUnconverted.size()) + ": \"" + text.substr(value + 3) +
           "\" is no number, or too large a one";
  }
  return text == "A subcommand is required" ? "a command is required" : text;
}

}  // namespace

std::string UsageError(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& words) {
  const CLI::App* command = &app;
  std::string what = FindCommand(words, &command);
  std::string name = FullName(*command);
  if (what.empty()) what = (name.empty() ? "" : name + ": ") + Describe(*command, error);
  return "rankscope: " + what + "; see `rankscope " + name + (name.empty() ? "" : " ") + "--help`\n";
}

}  // namespace rankscope
