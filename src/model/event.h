#pragma once

#include <string>
#include <string_view>

#include "model/record.h"

namespace rankscope::model {

// A record of stream `event`: what happened to a rank, a node or the collection itself. `name` is its field "event",
// by which programs know it; `text` is for people. Origin, level and further fields are for the caller to fill in.
Record MakeEvent(std::string_view name, base::TimeNs time, std::string text);

}  // namespace rankscope::model
