#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rankscope::diagnose {

// What a line says of a checkpoint that is or was saved, in the words of the common frameworks.
struct CheckpointLine {
  std::string place;            // "out/checkpoint-500"; empty: the line names none
  std::optional<int64_t> step;  // as its place or the line names it
  bool saved = false;           // it has been; else a save begins, which may be cut off
};

std::optional<CheckpointLine> ReadCheckpointLine(std::string_view text);

}  // namespace rankscope::diagnose
