#include "ingest/journal_trimmer.h"

namespace rankscope::ingest {
namespace {

constexpr uint64_t kTrimEvery = 16 << 20;  // bytes of journal between looks at what the sinks no longer need
constexpr uint64_t kWorthTrimming = 64 << 10;

}  // namespace

void JournalTrimmer::AfterCommit(bool disk_full) {
  uint64_t end = journal_->end_position();
  if (!disk_full && end - considered_at_ < kTrimEvery) return;
  considered_at_ = end;
  TrimBefore(fanout_.NeededPosition(end));
}

void JournalTrimmer::WhenIdle() {
  uint64_t end = journal_->end_position();
  if (fanout_.NeededPosition(end) < fanout_.delivered_position() || end == idle_trimmed_at_) return;
  if (journal_->bytes_on_disk() < kWorthTrimming || !journal_->BeginNextFile().ok()) return;
  TrimBefore(end);
  idle_trimmed_at_ = journal_->end_position();
}

void JournalTrimmer::TrimBefore(uint64_t needed) {
  if (!journal_->HasFileBefore(needed)) return;
  if (journal_->Append(watermarks_()).ok() && journal_->Sync().ok()) (void)journal_->TrimBefore(needed).ok();
}

}  // namespace rankscope::ingest
