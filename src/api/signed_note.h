#pragma once

#include <string>

#include "api/http_server.h"
#include "base/status.h"

namespace rankscope::api {

// What a person says about something, and who says it.
struct SignedNote {
  std::string by, note;
};

// WHO, with the id of the token that came along.
std::string SignedBy(const Request& request, std::string by);

// The request's body {"by": WHO, "note": WHY}, both optional; the id of a token that came along is added to WHO.
// kInvalid, for the route `what`: anything else, or more than 64 KiB.
base::Result<SignedNote> ReadSignedNote(const Request& request, const std::string& what);

}  // namespace rankscope::api
