#pragma once

#include "model/record_view.h"

namespace rankscope::detect {

// Whether all ranks of a job wait between two steps because people or rules asked for it (docs/actions.md), as the
// job's events `action` tell: then nobody says anything, and that is no silence.
class Hold {
 public:
  // Of any event of the job; those that speak of no hold are passed over.
  void Take(const model::RecordView& event);

  // At the time. A hold of which nobody says that it is over ends half an hour after it began: ranks wait for half of
  // the shortest timeout of their collectives at most.
  bool IsOn(base::TimeNs now) const;
  // How far time had come when ranks went on, of the latest hold; kNever: there was none that is over.
  base::TimeNs released_at() const { return released_at_; }
  // Whether one was on between the two times.
  bool Touches(base::TimeNs from, base::TimeNs to) const { return began_at_ <= to && released_at_ >= from; }

  static constexpr base::TimeNs kNever = INT64_MIN / 2;

 private:
  base::TimeNs began_at_ = kNever, released_at_ = kNever;
  bool on_ = false;
};

}  // namespace rankscope::detect
