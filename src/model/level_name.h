#pragma once

#include <string>
#include <string_view>

namespace rankscope::model {

// Sets the level from its name as people and programs write it: in lower case, and canonical (debug, info, warning,
// error, critical) where it is a known one.
void SetLevel(std::string_view name, std::string* level);

}  // namespace rankscope::model
