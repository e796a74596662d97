#pragma once

#include <deque>
#include <vector>

#include "detect/batch_work.h"
#include "detect/detectors/series_window.h"

namespace rankscope::detect {

struct Source;

// One rank's point of a step.
struct RankPoint {
  const Source* source = nullptr;
  int64_t steps_seen = 0;  // by the rank, with this one
  Point point;
  std::optional<BatchWork> batch;  // that it is of, where it matters and is known
};

// What the ranks of a job say of one metric at one step.
struct StepRow {
  int64_t step = 0;
  bool restarted = false;  // what came before is no measure: the job went back to a checkpoint, say
  std::vector<RankPoint> points;

  // The job's own point: the medians over the ranks, so that no single one of them moves it.
  Point Middle() const;
};

// Gathers one metric of all ranks step by step. A step is over when every rank that has reported lately has reported
// it, or when eight later ones have come: some rank does not report it. Who comes later than that is left out.
class StepRows {
 public:
  // The rank's newest point; one without a step is left out.
  void Take(const Source& source, int64_t steps_seen, const Point& point, std::optional<BatchWork> batch = {});
  // What comes from the next step on cannot be compared with what came before.
  void Restart() { restarted_ = true; }
  // The next step that is over, or null. Valid until the next call, for the caller to change.
  StepRow* Next();

 private:
  bool WentBack(size_t slot, int64_t step);
  StepRow& RowOf(int64_t step);
  bool IsOver() const;
  void Forget(int64_t step);
  // How many ranks reported this step, or one shortly before.
  size_t Expected(const StepRow& row) const;

  std::deque<StepRow> open_;        // by step
  std::vector<int64_t> last_step_;  // by slot; kNever: it has reported none
  StepRow row_;                     // the latest that is over
  int64_t judged_ = INT64_MIN;      // its step
  size_t expected_ = 0;             // ranks in the next one; 0: not known yet
  bool restarted_ = false;
};

}  // namespace rankscope::detect
