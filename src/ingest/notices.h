#pragma once

#include <string_view>

#include "model/record.h"
#include "wire/ingest_service.h"

// What the server itself has to say in a job's stream of events.
namespace rankscope::ingest {

constexpr std::string_view kServerItself = "rankscope-server";  // their producer
static_assert(kServerItself.size() == 16, "as long as every agent's");

// The origin of `record` is claimed by two agents.
model::Record DuplicateRank(const model::Record& record);
// The agent was once told that more is durable than the server holds.
model::Record AcknowledgementRegressed(const wire::Hello& hello, uint64_t committed_seq);
// The agent will never send these.
model::Record RecordsLost(const wire::Hello& hello, const wire::Lost& lost);

}  // namespace rankscope::ingest
