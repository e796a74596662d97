#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace rankscope::diagnose {

// A printed line without what loggers and launchers put before the message: times, levels, places, names of ranks.
struct LineBody {
  std::string_view text;        // from the first character of the message on, its indentation gone
  std::string_view indented;    // the same with its indentation
  std::optional<int32_t> rank;  // named by a prefix such as "[rank3]:" or "[Rank 3]"
  char level = 0;               // D, I, W, E or F, where the prefix says so
};

// Linear in the line; views into it.
LineBody ReadLineBody(std::string_view line);

}  // namespace rankscope::diagnose
