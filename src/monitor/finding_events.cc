#include "monitor/finding_events.h"

#include <chrono>

#include "base/clock.h"

namespace rankscope::monitor {
namespace {

constexpr char kProducer[] = "findings";  // agents' are 16 bytes, those of HTTP begin with http/
constexpr size_t kMostAtOnce = 500;
constexpr size_t kMostBytes = wire::kMaxFrameBytes / 2;
constexpr auto kPatience = std::chrono::seconds(2);

using Outcome = wire::FrameReceiver::Outcome;

// How many of the first fit into one frame.
size_t CountThatFit(const std::vector<model::Record>& events) {
  size_t count = 0;
  for (std::string bytes; count < events.size(); ++count) {
    model::EncodeRecords({events[count]}, &bytes);  // alone it takes more than in company
    if (bytes.size() > kMostBytes) break;
  }
  return count;
}

}  // namespace

// Where the outbox is younger than the journal (its file was moved away), the numbers go on behind the journal's.
FindingEvents::FindingEvents(std::string project, catalog::Findings* findings, ingest::Ingest* ingest)
    : project_(std::move(project)), findings_(findings), ingest_(ingest) {
  state_->written = ingest_->CommittedSeq(kProducer);
  findings_->SkipNumbers(state_->written);
}

uint64_t FindingEvents::written() const {
  std::lock_guard lock(state_->mutex);
  return state_->written;
}

void FindingEvents::Publish() {
  uint64_t written = 0;
  {
    std::lock_guard lock(state_->mutex);
    if (state_->under_way || base::MonotonicNow() < state_->retry_at) return;
    written = state_->written;
  }
  if (findings_->last_number() <= written) return;
  auto events = findings_->EventsAfter(written, kMostAtOnce);
  if (events.ok() && !events->empty()) Send(*std::move(events));
}

void FindingEvents::Send(std::vector<model::Record> events) {
  {
    std::lock_guard lock(state_->mutex);
    state_->under_way = true;
  }
  auto answered = [state = state_](const Outcome& outcome) { Answered(state.get(), outcome); };
  auto leave_out = [&](uint64_t from, uint64_t to, const char* why) {
    wire::Hello self;
    self.producer = kProducer;
    self.project = project_;
    self.host = "the server";
    ingest_->SubmitLost(self, {from, to, why}, answered);
  };
  uint64_t first = events.front().seq, expected = written() + 1;
  if (first > expected) return leave_out(expected, first - 1, "the journal was set back");
  events.resize(CountThatFit(events));
  if (events.empty()) return leave_out(first, first, "larger than a frame");
  ingest::Ingest::Batch batch;
  batch.project = project_;
  batch.producer = kProducer;
  batch.first_seq = first;
  batch.records = model::BatchOf(events);
  ingest_->Submit(std::move(batch), answered);
}

void FindingEvents::Answered(State* state, const Outcome& outcome) {
  std::lock_guard lock(state->mutex);
  state->under_way = false;
  if (outcome.kind == Outcome::kDurable) {
    state->written = outcome.seq;
  } else if (outcome.kind == Outcome::kGap) {
    state->written = outcome.seq - 1;
  } else {
    state->retry_at = base::MonotonicNow() + base::kNsPerSecond;
  }
  state->changed.notify_all();
}

bool FindingEvents::PublishAll() {
  auto end = std::chrono::steady_clock::now() + kPatience;
  while (written() < findings_->last_number() && std::chrono::steady_clock::now() < end) {
    Publish();
    std::unique_lock lock(state_->mutex);
    state_->changed.wait_until(lock, std::min(end, std::chrono::steady_clock::now() + std::chrono::milliseconds(50)));
  }
  return written() >= findings_->last_number();
}

}  // namespace rankscope::monitor
