#pragma once

#include <optional>
#include <string>

#include "catalog/catalog.h"
#include "notify/update.h"

namespace rankscope::monitor {

// What people are told of a job's life: started, stalled, finished or failed. Pure.

// How what is told of a job's life is known. An update's version is (its number × 8 + its phase): so the last version
// says what was told last, and the next is larger.
enum class LifePhase : uint8_t { kNone, kStarted, kStalled, kFinished, kFailed };
std::string LifeId(const std::string& project, const std::string& job);
bool IsLifeId(const std::string& incident);
LifePhase PhaseOf(uint64_t version);

struct LifeContext {
  std::string project, external_url;
  base::TimeNs now = 0;
  base::TimeNs heard_since = 0;  // a server that was away before does not know who was silent
  base::TimeNs told_since = 0;   // what happened before is no news
  int64_t lost_after_ns = 0;
};

// What was told last of a job's life.
struct LifeTold {
  uint64_t version = 0;    // 0: nothing
  base::TimeNs ended = 0;  // of the launch that it told the end of, where that is known
};

// What is news of the life. A stalled job is always followed by what
// becomes of it, however old.
std::optional<notify::Update> LifeUpdate(const catalog::JobLife& life, const LifeTold& told,
                                         const LifeContext& context);
// The same of a stalled job of which nothing more is known, as it was deleted.
notify::Update LifeForgotten(const notify::Update& stalled, base::TimeNs now);

}  // namespace rankscope::monitor
