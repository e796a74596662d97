#include "ingest/space_guard.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"

namespace rankscope::ingest {
namespace {

constexpr uint64_t kReserve = 64 << 20;
constexpr int64_t kPauseAfterRefusal = 2 * base::kNsPerSecond;

std::string MiB(uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

SpaceGuard::SpaceGuard(std::string folder, std::function<void(const std::string&)> say)
    : folder_(std::move(folder)), say_(std::move(say)) {}

base::Status SpaceGuard::Check() {
  auto space = base::SpaceAt(folder_);
  if (!space.ok()) return {};  // the write itself will say
  uint64_t reserve = std::min(kReserve, space->total / 16);
  std::lock_guard lock(mutex_);
  if (full_ && base::MonotonicNow() >= not_before_ && space->free >= 2 * reserve) {
    full_ = false;
    if (say_) say_("there is room on the disk of " + folder_ + " again: taking records");
  } else if (!full_ && space->free < reserve) {
    Enter("only " + MiB(space->free) + " of " + MiB(space->total) + " are free");
  }
  return full_ ? Full() : base::Status();
}

void SpaceGuard::Refused(const base::Status& why) {
  std::lock_guard lock(mutex_);
  not_before_ = base::MonotonicNow() + kPauseAfterRefusal;
  Enter(why.message());
}

void SpaceGuard::Enter(const std::string& why) {
  if (full_) return;
  full_ = true;
  if (say_) {
    say_("the disk of " + folder_ + " is full (" + why +
         "): taking no records until there is room; the agents keep them");
  }
}

base::Status SpaceGuard::Full() const {
  return base::Status::Unavailable("the disk of the server's " + folder_ + " is full");
}

}  // namespace rankscope::ingest
