#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/status.h"

namespace rankscope::model {

constexpr size_t kMostJobIdBytes = 200;

// A job's id is printed in tables, stands in paths of URLs and names a folder: 1 to 200 bytes of UTF-8 without control
// characters. kInvalid shows its beginning.
base::Status CheckJobId(std::string_view id);

// The name of a launch that nobody chose to be a job's id (a rendezvous, say), made one: control characters become
// blanks, and what is longer is cut, with room for a number behind it. The same on every node.
std::string JobIdFrom(std::string_view launch);

}  // namespace rankscope::model
