#pragma once

#include <cstdint>

namespace rankscope::agent {

// The server's clock less ours, over many connections. A server whose clock is set by more than a second must not tear
// a rank's records apart: those before and after keep one offset. Where our own clock was set, the offset follows it.
// ns.
class ClockOffset {
 public:
  // A measurement: its value, how far it may be off, and how far our wall clock was ahead of our monotonic one. One
  // that differs from the value by no more than network noise changes nothing: that would reorder lines.
  void Measure(int64_t offset, int64_t round_trip, int64_t wall_less_monotonic);
  int64_t value() const { return value_; }

 private:
  bool known_ = false;
  int64_t value_ = 0;
  int64_t uncertainty_ = 0;  // of it: the round trip of the measurement that tells it best
  int64_t wall_less_monotonic_ = 0;
};

}  // namespace rankscope::agent
