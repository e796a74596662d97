#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "diagnose/reading/reading.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {

// At most so many bytes, whole characters.
std::string_view Beginning(std::string_view text, size_t most);
// The beginning of a line, secrets taken out: for a list.
std::string Short(std::string_view text);
// The line, quoted.
Evidence EvidenceOf(const Reading& reading, size_t line, std::string_view role);

}  // namespace rankscope::diagnose
