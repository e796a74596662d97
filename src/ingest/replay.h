#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "ingest/fanout.h"
#include "ingest/journal_entry.h"
#include "ingest/rank_claims.h"
#include "journal/journal.h"

namespace rankscope::ingest {

// What the journal tells at the start.
struct Replayed {
  Watermarks watermarks;
  RankClaims claims;  // who was doubled before has been noticed
};

// Reads the whole journal and gives each sink what lies after its durable position. A damaged entry is left out, with a
// sentence in `report`; what a sink or the disk refuses is an error.
base::Status Replay(journal::Journal* journal, const std::string& folder, Fanout* fanout, Replayed* replayed,
                    std::vector<std::string>* report);

}  // namespace rankscope::ingest
