#pragma once

#include "diagnose/reading/reading.h"

namespace rankscope::diagnose {

// What each rank prints of its steps stands between what a trainer prints of its own, so that no habit of the file's
// lines tells whose it is: a report that begins with "rank 1" or has a field "rank=1" or "rank": 1 is that rank's, and
// so is one that begins with "[1]" where each of these numbers, from 0 on, comes with several steps. Reports whose rank
// is known keep it.
void NameReportsByTheirRank(Reading* reading);

}  // namespace rankscope::diagnose
