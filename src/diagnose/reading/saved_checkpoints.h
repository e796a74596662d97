#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "diagnose/reading/checkpoint_line.h"

namespace rankscope::diagnose {

// Which checkpoint was saved as a whole, by what is said of saves and steps.
class SavedCheckpoints {
 public:
  // `rank`: who says it. What names no step is of the last one that this rank reported.
  void Take(CheckpointLine line, std::optional<int32_t> rank);
  // The rank told a step of the training.
  void Report(int64_t step, std::optional<int32_t> rank);

  // Of the greatest step. A save that begins is whole once a later step was told, unless these logs also say of saves
  // that they ended. Where ranks say so of each other's checkpoints, each of its own part, all of them have to.
  std::optional<CheckpointLine> whole() const;
  // Of a greater step than that: not known to be whole.
  std::optional<CheckpointLine> begun() const;

 private:
  struct Save {
    CheckpointLine line;
    bool begun = false, saved = false;
    std::set<int32_t> tellers;  // that it is saved
  };
  using Saves = std::map<int64_t, Save>;

  bool IsWhole(const Saves::value_type& save) const;
  Saves::const_reverse_iterator LastWhole() const;

  Saves saves_;                                         // by step
  std::map<std::optional<int32_t>, int64_t> reported_;  // the greatest step of each rank
};

}  // namespace rankscope::diagnose
