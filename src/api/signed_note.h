#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "api/http_server.h"
#include "base/status.h"

namespace rankscope::api {

// What a person says about something, and who says it.
struct SignedNote {
  std::string by, note;
  std::map<std::string, std::string> others;  // further members of the body, by name
};

// WHO, with the id of the token that came along; "anonymous" where there is neither.
std::string SignedBy(const Request& request, std::string by);

// The request's body {"by": WHO, "note": WHY}, both optional and texts, as are `others`; WHO as by SignedBy.
// kInvalid, for the route `what`: anything else, or more than 64 KiB.
base::Result<SignedNote> ReadSignedNote(const Request& request, const std::string& what,
                                        std::initializer_list<std::string_view> others = {});

}  // namespace rankscope::api
