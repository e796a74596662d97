#include "ingest/notices.h"

#include <string>
#include <utility>

#include "base/clock.h"
#include "model/event.h"

namespace rankscope::ingest {
namespace {

model::Record Notice(const model::Origin& origin, const char* event, std::string text) {
  model::Record record = model::MakeEvent(event, base::WallNow(), std::move(text));
  record.origin = origin;
  record.level = "warning";
  return record;
}

model::Origin OriginOf(const wire::Hello& hello) {
  model::Origin origin;
  if (!hello.project.empty()) origin.project = hello.project;
  origin.job = hello.job;
  origin.host = hello.host;
  return origin;
}

std::string Range(uint64_t from, uint64_t to) { return std::to_string(from) + " to " + std::to_string(to); }

}  // namespace

model::Record DuplicateRank(const model::Record& record) {
  return Notice(record.origin, "duplicate_rank",
                "DUPLICATE RANK: two agents send records of rank " + std::to_string(record.origin.rank.value_or(-1)) +
                    ", attempt " + std::to_string(record.origin.attempt) + ", the second from " + record.origin.host +
                    "; both are stored: was the job started twice under one id?");
}

model::Record AcknowledgementRegressed(const wire::Hello& hello, uint64_t committed_seq) {
  return Notice(OriginOf(hello), "ack_regression",
                "ACK REGRESSION: the server no longer holds records " + Range(committed_seq + 1, hello.acked_seq) +
                    " of the agent on " + hello.host +
                    ", which it had acknowledged: was its data directory restored from a copy? The agent sends again "
                    "what it still has");
}

model::Record RecordsLost(const wire::Hello& hello, const wire::Lost& lost) {
  model::Record record = Notice(OriginOf(hello), "records_lost",
                                "RECORDS LOST: records " + Range(lost.from_seq, lost.to_seq) + " of the agent on " +
                                    hello.host + " will never come: " + lost.reason);
  record.fields.emplace_back("lost_records", static_cast<int64_t>(lost.to_seq - lost.from_seq + 1));
  return record;
}

}  // namespace rankscope::ingest
