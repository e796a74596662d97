#pragma once

#include <string>

#include "model/record_view.h"

namespace rankscope::detect {

// Whether all ranks of a job wait between two steps because people or rules asked for it (docs/actions.md), as the
// job's events `action` tell: then nobody says anything, and that is no silence. What people are told of the same
// ("paused") is catalog/job_pause.h; of the orders to ranks, diagnose/actions/hold.h.
class ObservedPause {
 public:
  // Of any event of the job; those that speak of no pause are passed over.
  void Take(const model::RecordView& event);
  // A rank has come to this step. Past that of the pause nobody waits any longer, even where nobody has said so: the
  // server may have ended meanwhile.
  void Pass(int64_t step, base::TimeNs time);

  // At the time. A pause of which nobody says that it is over ends with the limit that it was told with.
  bool IsOn(base::TimeNs now) const;
  // How far time had come when ranks went on, of the latest one; kNever: there was none that is over.
  base::TimeNs released_at() const { return released_at_; }
  // Whether one was on between the two times.
  bool Touches(base::TimeNs from, base::TimeNs to) const { return began_at_ <= to && released_at_ >= from; }

  static constexpr base::TimeNs kNever = INT64_MIN / 2;

 private:
  void Release(base::TimeNs time);

  base::TimeNs began_at_ = kNever, released_at_ = kNever;
  int64_t step_ = 0;
  std::string action_;  // the id of the one that holds
  bool on_ = false;
};

}  // namespace rankscope::detect
