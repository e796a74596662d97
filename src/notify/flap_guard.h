#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>

#include "base/clock.h"
#include "notify/update.h"

namespace rankscope::notify {

// Notices what fires and resolves again and again: a subject that changed more than 4 times in 30 minutes. A channel
// is told so once, then of what it has become, every 30 minutes or when it has been quiet.
class FlapGuard {
 public:
  static constexpr size_t kMostTransitions = 4;
  static constexpr int64_t kWindowNs = 30 * 60 * base::kNsPerSecond;

  void Note(const Update& update, base::TimeNs now);
  // How often the subject changed in the last half hour, if that makes it flapping; else 0.
  size_t Flapping(const Update& update, base::TimeNs now) const;
  // Whether it is flapping and the channel was told so less than half an hour ago.
  bool Quiet(const Update& update, const std::string& channel, base::TimeNs now) const;
  // The channel was told of it.
  void Told(const Update& update, const std::string& channel, base::TimeNs now);

 private:
  struct Subject {
    bool open = false;
    base::TimeNs noted = 0;
    std::deque<base::TimeNs> transitions;      // bounded
    std::map<std::string, base::TimeNs> told;  // while it flaps
  };
  void Sweep(base::TimeNs now);

  std::map<std::string, Subject> subjects_;  // bounded
};

}  // namespace rankscope::notify
