#include "diagnose/survival.h"

#include <algorithm>

namespace rankscope::diagnose {
namespace {

// Other ranks finish the step they are in after one of them has failed.
constexpr size_t kStepsOfOthers = 3;
constexpr size_t kOwnSteps = 2;

size_t After(const std::vector<size_t>& places, size_t place) {
  return static_cast<size_t>(places.end() - std::upper_bound(places.begin(), places.end(), place));
}

size_t AfterInFile(const std::map<uint32_t, std::vector<size_t>>& files, uint32_t file, size_t place) {
  auto found = files.find(file);
  return found == files.end() ? 0 : After(found->second, place);
}

}  // namespace

Survival::Survival(const Reading& reading) : reading_(reading) {
  for (const Point& point : reading.points) {
    Add(point.line, &points_);
    if (point.rank) Add(point.line, &points_of_rank_[*point.rank]);
  }
  for (size_t line : reading.finished) Add(line, &finished_);
  for (const Exit& exit : reading.exits) {
    bool badly = exit.signal.has_value() || exit.code.value_or(0) != 0;
    if (exit.rank && badly) ended_badly_.insert(*exit.rank);
  }
  for (const auto& [line, traceback] : reading.ends)
    last_exception_ = std::max(last_exception_, reading.positions[line]);
  Sort(&points_);
  Sort(&finished_);
  for (auto& [rank, marks] : points_of_rank_) Sort(&marks);
}

void Survival::Add(size_t line, Marks* marks) const {
  const Line& said = reading_.read->lines[line];
  const size_t place = reading_.positions[line];
  marks->of_file[said.file].push_back(place);
  if (!said.time) return;
  marks->timed.push_back(place);
  marks->timed_of_file[said.file].push_back(place);
}

void Survival::Sort(Marks* marks) {
  std::sort(marks->timed.begin(), marks->timed.end());
  for (auto& [file, places] : marks->of_file) std::sort(places.begin(), places.end());
  for (auto& [file, places] : marks->timed_of_file) std::sort(places.begin(), places.end());
}

size_t Survival::CountAfter(const Marks& marks, size_t line) const {
  const Line& said = reading_.read->lines[line];
  const size_t place = reading_.positions[line];
  size_t own = AfterInFile(marks.of_file, said.file, place);
  if (!said.time) return own;
  return own + After(marks.timed, place) - AfterInFile(marks.timed_of_file, said.file, place);
}

// Its writer: what the other ranks say of the training's end is of no help to it.
bool Survival::EndedBadly(size_t line) const {
  return reading_.ranks[line] && ended_badly_.count(*reading_.ranks[line]) > 0;
}

bool Survival::WentOnAfter(size_t line) const {
  if (!EndedBadly(line) && CountAfter(finished_, line) > 0) return true;
  auto own = reading_.ranks[line] ? points_of_rank_.find(*reading_.ranks[line]) : points_of_rank_.end();
  if (own != points_of_rank_.end()) return CountAfter(own->second, line) >= kOwnSteps;
  return CountAfter(points_, line) >= kStepsOfOthers;
}

bool Survival::TrainedOnAlone(size_t line) const {
  bool alone = points_of_rank_.empty() && !reading_.ranks[line];
  return alone && reading_.positions[line] >= last_exception_ && CountAfter(points_, line) > 0;
}

}  // namespace rankscope::diagnose
