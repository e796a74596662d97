#include "detect/step_rows.h"

#include <algorithm>
#include <cmath>

#include "detect/detectors/statistics.h"
#include "detect/watches/watch.h"

namespace rankscope::detect {
namespace {

constexpr size_t kMostOpenSteps = 8;
constexpr int64_t kNever = INT64_MIN;

double MiddleOf(const std::vector<RankPoint>& points, double Point::*number, std::vector<double>* values) {
  values->clear();
  for (const RankPoint& each : points) {
    if (std::isfinite(each.point.*number)) values->push_back(each.point.*number);
  }
  return Median(values);
}

}  // namespace

Point StepRow::Middle() const {
  Point middle = points.front().point;
  if (points.size() == 1) return middle;
  for (const RankPoint& each : points) {
    middle.time = std::max(middle.time, each.point.time);
    middle.steps = std::max(middle.steps, each.point.steps);
    middle.nonfinite = std::min(middle.nonfinite, each.point.nonfinite);
    middle.disturbed |= each.point.disturbed;
  }
  std::vector<double> values;
  values.reserve(points.size());
  middle.mean = MiddleOf(points, &Point::mean, &values);
  middle.last = middle.min = middle.max = middle.mean;
  if (middle.steps == 1) return middle;
  middle.last = MiddleOf(points, &Point::last, &values);
  middle.min = MiddleOf(points, &Point::min, &values);
  middle.max = MiddleOf(points, &Point::max, &values);
  return middle;
}

void StepRows::Take(const Source& source, int64_t steps_seen, const Point& point, std::optional<BatchWork> batch) {
  if (!point.step) return;
  if (WentBack(source.slot, *point.step)) Forget(*point.step);
  last_step_[source.slot] = *point.step;
  if (*point.step > judged_) RowOf(*point.step).points.push_back({&source, steps_seen, point, batch});
}

bool StepRows::WentBack(size_t slot, int64_t step) {
  if (slot >= last_step_.size()) last_step_.resize(slot + 1, kNever);
  return step < last_step_[slot] && step <= judged_;
}

void StepRows::Forget(int64_t step) {
  open_.clear();
  judged_ = step - 1;
  restarted_ = true;
}

StepRow& StepRows::RowOf(int64_t step) {
  auto row = open_.end();
  while (row != open_.begin() && (row - 1)->step >= step) --row;
  if (row != open_.end() && row->step == step) return *row;
  row = open_.emplace(row);
  row->step = step;
  row->points.reserve(expected_);
  return *row;
}

bool StepRows::IsOver() const {
  if (open_.empty()) return false;
  if (open_.size() > kMostOpenSteps) return true;
  if (expected_ > 0) return open_.front().points.size() >= expected_;
  // The first one: whoever reports the next has reported it.
  return open_.size() > 1 && open_[1].points.size() >= open_.front().points.size();
}

size_t StepRows::Expected(const StepRow& row) const {
  int64_t since = row.step - static_cast<int64_t>(kMostOpenSteps) * row.points.front().point.steps;
  return static_cast<size_t>(std::count_if(last_step_.begin(), last_step_.end(),
                                           [&](int64_t last) { return last != kNever && last >= since; }));
}

StepRow* StepRows::Next() {
  if (!IsOver()) return nullptr;
  std::swap(row_, open_.front());
  open_.pop_front();
  row_.restarted = std::exchange(restarted_, false);
  judged_ = row_.step;
  expected_ = Expected(row_);
  return &row_;
}

}  // namespace rankscope::detect
