#pragma once

#include <string>

#include "base/status.h"
#include "catalog/findings.h"
#include "detect/finding.h"
#include "detect/job_rules.h"

// The forms in which findings travel: as the engine tells them, as rows, as event records, as a line for people.
namespace rankscope::monitor {

// What its rule wants done beyond telling people of it; nullopt: nothing, or it is over.
std::optional<catalog::WantedAction> WantedBy(const detect::Finding& finding);
// Undecided; an incident of its own stays unnamed.
catalog::FindingRow RowOf(const detect::Finding& finding);
// Back again, all of it. kCorrupt: the row's JSON is not that of a finding.
base::Result<detect::Finding> FindingOf(const catalog::FindingRow& row);

// The record `event: "finding"` in the job's stream, at the time of the records that made it so.
model::Record EventOf(const std::string& project, const detect::Finding& finding);
// Likewise `event: "detector_rule_refused"`.
model::Record EventOf(const detect::RefusedRule& rule);

// "CRITICAL Oom on rank 3 at step 12: it ran out of memory (finding f-1)"
std::string AlertOf(const detect::Finding& finding);

}  // namespace rankscope::monitor
