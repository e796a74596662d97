#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "base/file.h"

namespace rankscope::ingest {

// Stops taking records before the disk is full, so that what has been taken can still be sealed, trimmed and
// catalogued: a reserve of 64 MiB, or a sixteenth of a small file system, is left alone. Takes them again once twice
// the reserve is free. Says so once each time. Any thread.
class SpaceGuard {
 public:
  SpaceGuard(std::string folder, std::function<void(const std::string&)> say);

  // kUnavailable while there is no room.
  base::Status Check();
  // A write was refused although there seemed to be room (a quota, or another process was quicker).
  void Refused(const base::Status& why);

 private:
  void Enter(const std::string& why);
  base::Status Full() const;

  const std::string folder_;
  const std::function<void(const std::string&)> say_;
  std::mutex mutex_;  // guards what follows
  bool full_ = false;
  int64_t not_before_ = 0;  // monotonic ns
};

}  // namespace rankscope::ingest
