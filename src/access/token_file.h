#pragma once

#include <string>
#include <vector>

#include "access/token.h"

namespace rankscope::access {

// The tokens of a server in one small text file (format: docs/design/access.md), replaced whole by each change, so
// that a server that runs sees either the old or the new one. No file is no tokens.

// kCorrupt names the file and the line.
base::Result<std::vector<Token>> ReadTokens(const std::string& path);
// Each takes a lock beside the file for the change. kNotFound when there is no such id.
base::Status AddToken(const std::string& path, const Token& token);
base::Status RevokeToken(const std::string& path, const std::string& id);

}  // namespace rankscope::access
