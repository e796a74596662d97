#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "catalog/knowledge.h"
#include "diagnose/knowledge/insights_book.h"

namespace rankscope::monitor {

// What is kept of jobs that are over, and what all of them come to. The sums are kept too, every few hundred jobs and
// at the end, so that the first question after a start waits for these and for what came since, not for each job.
// Any thread; the first one that asks opens it.
class JobLedger {
 public:
  explicit JobLedger(catalog::Knowledge* knowledge) : knowledge_(knowledge) {}  // which outlives it

  base::Status Open();
  // Keeps the sums where that is worth it. A ledger that was not closed only opens more slowly.
  base::Status Close();

  // In place of what was kept of that job. Where the disk fails, nothing has changed.
  base::Status Save(const catalog::KnownJob& known);
  base::Status Forget(const std::string& job);
  base::Result<diagnose::Insights> Summarize();
  base::Result<std::vector<diagnose::Similar>> FindSimilar(const diagnose::JobFacts& facts);

 private:
  // REQUIRE mutex_.
  base::Status OpenBook();
  base::Status AddUpChanges(diagnose::InsightsBook* sums);
  base::Status KeepSums();
  void NoteChange();

  catalog::Knowledge* const knowledge_;
  std::mutex mutex_;                            // guards the book, and that it has what the file has
  std::optional<diagnose::InsightsBook> book_;  // empty: not opened
  size_t changes_ = 0;                          // that the sums which are kept lack
  bool kept_ = false;
};

}  // namespace rankscope::monitor
