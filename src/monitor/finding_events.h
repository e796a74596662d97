#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "catalog/findings.h"
#include "ingest/ingest.h"

namespace rankscope::monitor {

// Writes the events of the findings' outbox into the jobs' own streams, through ingest like any record: its producer is
// this, and the events' numbers are its sequence, so that each is stored once however often it is sent. One that is too
// large for any frame is left out, which is told, and holds up no other. One thread.
class FindingEvents {
 public:
  // Both outlive it.
  FindingEvents(std::string project, catalog::Findings* findings, ingest::Ingest* ingest);

  // Sends what is in the outbox and has not been sent; after a failure, again a second later. Does not wait.
  void Publish();
  // Waits until everything of the outbox is written, two seconds at most. Whether it is.
  bool PublishAll();
  // Up to which number they are in the journal.
  uint64_t written() const;

 private:
  // Outlives this, for answers that come late.
  struct State {
    std::mutex mutex;  // guards what follows
    std::condition_variable changed;
    uint64_t written = 0;
    bool under_way = false;
    int64_t retry_at = 0;
  };
  void Send(std::vector<model::Record> events);
  static void Answered(State* state, const wire::FrameReceiver::Outcome& outcome);

  const std::string project_;
  catalog::Findings* findings_;
  ingest::Ingest* ingest_;
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace rankscope::monitor
