#pragma once

#include <optional>
#include <string>

#include "catalog/catalog.h"
#include "notify/update.h"

namespace rankscope::monitor {

// What people are told of a job's life: started, stalled, finished or failed. Pure.

// How what is told of a job's life is known. An update's version is (its number × 8 + its phase): so the last version
// says what was told last, and the next is larger.
enum class LifePhase : uint8_t {
  kNone,
  kStarted,
  kStalled,
  kFinished,
  kFailed,    // without a verdict, which follows
  kDiagnosed  // failed, with the verdict
};
std::string LifeId(const std::string& project, const std::string& job);
bool IsLifeId(const std::string& incident);
LifePhase PhaseOf(uint64_t version);

struct LifeContext {
  std::string project, external_url;
  base::TimeNs now = 0;
  base::TimeNs heard_since = 0;  // a server that was away before does not know who was silent
  base::TimeNs told_since = 0;   // what happened before is no news
  int64_t lost_after_ns = 0;
  bool diagnoses = true;  // else no verdict will ever come
};

// What was told last of a job's life.
struct LifeTold {
  uint64_t version = 0;          // 0: nothing
  base::TimeNs ended = 0;        // of the launch that it told the end of, where that is known
  std::string title;             // of that; compared where it was a failure with its verdict
  base::TimeNs waits_since = 0;  // for the verdict of a failure; 0: not yet
};

// Why a job failed, as its diagnosis says.
struct LifeVerdict {
  bool healthy = false;  // nothing was found
  std::string failure;   // the class
  double confidence = 0;
  std::optional<int32_t> rank;
  std::optional<int64_t> step;
  std::string root_line;
  bool settled = false;  // nothing came of the job since
};

// A job that says nothing for so long is given up, and nobody is reminded of it any more.
inline constexpr int64_t kGivenUpAfter = 24 * 3600 * base::kNsPerSecond;

// How long the word of a failure waits for its verdict, and for one that is settled.
inline constexpr int64_t kVerdictWait = 15 * base::kNsPerSecond;

// What is news of the life; `verdict` is null while none is known of this end. A failure is told with its verdict, if
// that comes in time; else without, and the verdict after it. Where none can come it is told at once. One that differs
// from what was told says so. A stalled job is always followed by what becomes of it, however old.
std::optional<notify::Update> LifeUpdate(const catalog::JobLife& life, const LifeTold& told, const LifeVerdict* verdict,
                                         const LifeContext& context);
// The same of a stalled job of which nothing more is known, as it was deleted.
notify::Update LifeForgotten(const notify::Update& stalled, base::TimeNs now);

}  // namespace rankscope::monitor
