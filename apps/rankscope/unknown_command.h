#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace rankscope {

// The line that says that a word of the command line is no command, and which it is likeliest meant for; empty: none is
// wrong. `words` are those behind the program's name, `app` has its commands.
std::string UnknownCommand(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace rankscope
