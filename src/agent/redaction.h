#pragma once

#include <string>
#include <vector>

namespace rankscope::agent {

// What a run's description may show of a command line and an environment. Names tell in any case; what has the shape
// of a secret goes as well (parse::RedactSecrets).

// The arguments, parted by spaces. Values of `--NAME VALUE`, `--NAME=VALUE` and `NAME=VALUE` are [REDACTED] where the
// name is a secret's: its last word is "password", "secret", "token" …, or "key" after "api", "access" …. So are those
// of the words within one argument (`sh -c "TOKEN=… train"`).
std::string RedactedCommand(const std::vector<std::string>& command);

// NAME=value variables as a JSON object. Values of telling names are [REDACTED]; others as the words of a command.
std::string RedactedEnvironment(const char* const* environment);

// The value of a label NAME=VALUE: [REDACTED] where such an argument's would be, and its words otherwise.
std::string RedactedLabel(const std::string& name, const std::string& value);

}  // namespace rankscope::agent
