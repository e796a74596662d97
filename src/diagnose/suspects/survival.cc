#include "diagnose/suspects/survival.h"

#include <algorithm>

#include "diagnose/reading/exits.h"

namespace rankscope::diagnose {
namespace {

// Other ranks finish the step that they are in after one of them has failed, and some begin the next.
constexpr size_t kStepsOfOthers = 3;
constexpr size_t kOwnSteps = 2;

// What a process printed last comes behind the traceback that ends it, as far as Python's buffer of stdout held it
// back.
constexpr size_t kBufferBytes = 8192;

bool TellsOfADeath(const Reading& reading) {
  auto badly = [](const Exit& exit) { return exit.signal.has_value() || exit.code.value_or(0) != 0; };
  auto of_peers = [](const Sighting& sighting) {
    return sighting.signature->failure == "gloo_error" || sighting.signature->failure == "nccl_timeout" ||
           sighting.signature->kind == "peer closed";
  };
  return std::any_of(reading.exits.begin(), reading.exits.end(), badly) ||
         std::any_of(reading.sightings.begin(), reading.sightings.end(), of_peers);
}

template <typename T>
size_t After(const std::vector<T>& sorted, T bound) {
  return static_cast<size_t>(sorted.end() - std::upper_bound(sorted.begin(), sorted.end(), bound));
}

template <typename T>
void Raise(T value, int64_t step, std::map<int64_t, T>* latest) {
  T& known = latest->try_emplace(step, value).first->second;
  known = std::max(known, value);
}

// The latest that it may have been when somebody wrote it: a clock without fractions tells the second alone.
base::TimeNs LatestOf(base::TimeNs written) {
  return written % base::kNsPerSecond == 0 ? written + base::kNsPerSecond - 1 : written;
}

}  // namespace

Survival::Survival(const Reading& reading)
    : reading_(reading),
      not_after_(reading.bodies.size()),
      bytes_after_(reading.bodies.size()),
      somebody_died_(TellsOfADeath(reading)) {
  const auto& lines = reading.read->lines;
  for (size_t i = lines.size(); i-- > 0;) {
    bool same_file = i + 1 < lines.size() && lines[i + 1].file == lines[i].file;
    not_after_[i] = same_file ? not_after_[i + 1] : std::nullopt;
    if (lines[i].timed && lines[i].time) not_after_[i] = LatestOf(*lines[i].time);
    if (same_file) bytes_after_[i] = bytes_after_[i + 1] + lines[i + 1].text.size();
    if (!reading.ranks[i]) continue;
    ranks_.insert(*reading.ranks[i]);
    ranks_of_file_[lines[i].file].insert(*reading.ranks[i]);
  }
  for (const Point& point : reading.points) {
    Add(point.line, point.step, &points_);
    if (!point.rank) continue;
    Add(point.line, point.step, &points_of_rank_[*point.rank]);
    if (point.step) last_step_[*point.rank] = std::max(last_step_[*point.rank], *point.step);
  }
  for (size_t line : reading.finished) Add(line, {}, &finished_);
  for (const Exit& exit : reading.exits) {
    bool badly = exit.signal.has_value() || exit.code.value_or(0) != 0;
    if (exit.rank && badly) ended_badly_.insert(*exit.rank);
    // By an exception that nobody caught, or by what its end tore down.
    const bool raised = badly && exit.signal.value_or(kSigabrt) == kSigabrt;
    if (exit.rank && raised) may_have_raised_.insert(*exit.rank);
    only_signals_ = badly ? only_signals_.value_or(true) && !raised : only_signals_;
    if (exit.rank) ranks_.insert(*exit.rank);
  }
  for (const auto& [line, traceback] : reading.ends)
    last_exception_ = std::max(last_exception_, reading.positions[line]);
  Sort(&points_);
  Sort(&finished_);
  for (auto& [rank, marks] : points_of_rank_) Sort(&marks);
}

// A report without a step counts as a step of its own.
void Survival::Add(size_t line, std::optional<int64_t> step, Marks* marks) const {
  const Line& said = reading_.read->lines[line];
  const int64_t key = step.value_or(-1 - static_cast<int64_t>(line));
  Raise(reading_.positions[line], key, &marks->of_file[said.file]);
  if (said.timed) Raise(*said.time, key, &marks->timed);
}

void Survival::Sort(Marks* marks) {
  for (const auto& [file, steps] : marks->of_file) {
    for (const auto& [step, place] : steps) marks->places[file].push_back(place);
    std::sort(marks->places[file].begin(), marks->places[file].end());
  }
  for (const auto& [step, time] : marks->timed) marks->times.push_back(time);
  std::sort(marks->times.begin(), marks->times.end());
}

size_t Survival::CountAfter(const Marks& marks, size_t line) const {
  auto file = marks.places.find(reading_.read->lines[line].file);
  size_t own = file == marks.places.end() ? 0 : After(file->second, reading_.positions[line]);
  return not_after_[line] ? std::max(own, After(marks.times, *not_after_[line])) : own;
}

// Its writer: what the other ranks say of the training's end is of no help to it.
bool Survival::EndedBadly(size_t line) const {
  return reading_.ranks[line] && ended_badly_.count(*reading_.ranks[line]) > 0;
}

bool Survival::IsUncaught(size_t line) const {
  auto end = reading_.ends.find(line);
  return end != reading_.ends.end() && reading_.tracebacks.all[end->second].uncaught;
}

bool Survival::IsFollowedByBufferAlone(size_t line) const {
  auto end = reading_.ends.find(line);
  if (end == reading_.ends.end() || !reading_.tracebacks.all[end->second].of_program || !somebody_died_) return false;
  // Whose rank lived, or died of something else, had caught it.
  const auto& rank = reading_.ranks[line];
  if (only_signals_.value_or(false) || (rank && !ended_badly_.empty() && may_have_raised_.count(*rank) == 0))
    return false;
  // Where all ranks write into one file, what each of them held back comes behind it.
  const size_t writers =
      rank ? ranks_of_file_.at(reading_.read->lines[line].file).size() : std::max<size_t>(1, ranks_.size());
  return bytes_after_[line] <= writers * kBufferBytes && CountAfter(finished_, line) == 0;
}

// In a file that tells nothing of the training's course, as of stderr alone, and no time behind the line: of a rank
// that came as far as all others in a training that ended well.
bool Survival::EndedWellWithoutOrder(size_t line) const {
  const uint32_t file = reading_.read->lines[line].file;
  bool apart = points_.places.count(file) == 0 && finished_.places.count(file) == 0 && !not_after_[line];
  if (!apart || reading_.finished.empty() || !ended_badly_.empty()) return false;
  auto own = reading_.ranks[line] ? last_step_.find(*reading_.ranks[line]) : last_step_.end();
  return own == last_step_.end() || std::all_of(last_step_.begin(), last_step_.end(),
                                                [&](const auto& other) { return other.second <= own->second; });
}

bool Survival::WentOnAfter(size_t line) const {
  if (IsUncaught(line) || IsFollowedByBufferAlone(line)) return false;
  if (!EndedBadly(line) && CountAfter(finished_, line) > 0) return true;
  if (EndedWellWithoutOrder(line)) return true;
  auto own = reading_.ranks[line] ? points_of_rank_.find(*reading_.ranks[line]) : points_of_rank_.end();
  if (own != points_of_rank_.end()) return CountAfter(own->second, line) >= kOwnSteps;
  return CountAfter(points_, line) >= kStepsOfOthers;
}

bool Survival::TrainedOnAlone(size_t line) const {
  bool alone = points_of_rank_.empty() && !reading_.ranks[line];
  return alone && reading_.positions[line] >= last_exception_ && CountAfter(points_, line) > 0;
}

}  // namespace rankscope::diagnose
