#include "diagnose/reading/saved_checkpoints.h"

#include <algorithm>
#include <string>
#include <utility>

namespace rankscope::diagnose {

void SavedCheckpoints::Take(CheckpointLine line, std::optional<int32_t> rank) {
  auto reported = reported_.find(rank);
  if (!line.step && reported != reported_.end()) line.step = reported->second;
  if (line.place.empty() && !line.step) return;
  if (line.place.empty()) line.place = "of step " + std::to_string(*line.step);
  Save& save = saves_[line.step.value_or(0)];
  (line.saved ? save.saved : save.begun) = true;
  if (line.saved && rank) save.tellers.insert(*rank);
  if (save.line.place.empty() || (line.saved && !save.line.saved)) save.line = std::move(line);
}

void SavedCheckpoints::Report(int64_t step, std::optional<int32_t> rank) {
  int64_t& greatest = reported_.try_emplace(rank, step).first->second;
  greatest = std::max(greatest, step);
}

bool SavedCheckpoints::IsWhole(const Saves::value_type& save) const {
  const int64_t step = save.first;
  const Save& told = save.second;
  if (!told.saved) {
    const bool ends_are_told = std::any_of(saves_.begin(), saves_.end(),
                                           [](const auto& other) { return other.second.begun && other.second.saved; });
    const bool went_on = std::any_of(reported_.begin(), reported_.end(),
                                     [step](const auto& reported) { return reported.second > step; });
    return went_on && !ends_are_told;
  }
  return std::all_of(saves_.begin(), saves_.end(), [&](const auto& other) {
    return told.tellers.empty() || other.second.tellers.size() <= told.tellers.size();
  });
}

SavedCheckpoints::Saves::const_reverse_iterator SavedCheckpoints::LastWhole() const {
  return std::find_if(saves_.rbegin(), saves_.rend(), [this](const auto& save) { return IsWhole(save); });
}

std::optional<CheckpointLine> SavedCheckpoints::whole() const {
  auto found = LastWhole();
  return found == saves_.rend() ? std::nullopt : std::optional(found->second.line);
}

std::optional<CheckpointLine> SavedCheckpoints::begun() const {
  const bool is_last = saves_.empty() || LastWhole() == saves_.rbegin();
  return is_last ? std::nullopt : std::optional(saves_.rbegin()->second.line);
}

}  // namespace rankscope::diagnose
