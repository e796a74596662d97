#pragma once

#include <string>
#include <string_view>

#include "access/role.h"
#include "base/clock.h"

namespace rankscope::access {

// What the server keeps of a token: never the secret, only its hash.
struct Token {
  std::string id;  // 8 of [0-9A-Za-z]: what people call it by
  Role role = Role::kViewer;
  std::string project;
  base::TimeNs created = 0;
  std::string hash;  // SHA-256 of the secret, 64 hex digits
  std::string note;  // what it is for; no newline
};

// A token's text, given to its holder once: rankscope_ROLE_ID_SECRET_CHECKSUM, where SECRET is 43 of [0-9A-Za-z]
// (256 bits from the kernel) and CHECKSUM tells a mistyped or cut token from an unknown one.
struct IssuedToken {
  Token token;
  std::string text;
};
IssuedToken IssueToken(Role role, const std::string& project, std::string note, base::TimeNs now);

struct TokenParts {
  std::string_view id, secret;  // views into the text
};
// kInvalid when the text is no token or was damaged on the way; never repeats it.
base::Result<TokenParts> ParseToken(std::string_view text);

std::string HashSecret(std::string_view secret);
// In a time that does not depend on where they differ.
bool SameHash(std::string_view a, std::string_view b);

}  // namespace rankscope::access
