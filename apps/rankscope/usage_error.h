#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace rankscope {

// The line that says what is wrong with a command line, of which command, and what is likeliest meant. `words` are
// those behind the program's name; `app`, which has the commands, has refused them with `error`.
std::string UsageError(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& words);

}  // namespace rankscope
