#include "ingest/fanout.h"

#include <algorithm>

namespace rankscope::ingest {

base::Status Fanout::Ready() const {
  for (model::RecordSink* sink : sinks_) RETURN_IF_ERROR(sink->Ready());
  return {};
}

base::Status Fanout::Deliver(uint64_t end_position, const std::shared_ptr<const model::RecordBatch>& records) {
  delivered_position_ = end_position;
  for (model::RecordSink* sink : sinks_) RETURN_IF_ERROR(sink->Append(end_position, records));
  return {};
}

base::Status Fanout::Redeliver(uint64_t end_position, const std::shared_ptr<const model::RecordBatch>& records) {
  delivered_position_ = end_position;
  for (model::RecordSink* sink : sinks_) {
    if (end_position > sink->durable_position()) RETURN_IF_ERROR(sink->Append(end_position, records));
  }
  return {};
}

base::Status Fanout::Deliver(uint64_t end_position, const TickEntry& tick) {
  for (model::RecordSink* sink : sinks_) RETURN_IF_ERROR(sink->Tick(end_position, tick.sender.project, tick.jobs));
  return {};
}

base::Status Fanout::Redeliver(uint64_t end_position, const TickEntry& tick) {
  for (model::RecordSink* sink : sinks_) {
    if (end_position <= sink->durable_position()) continue;
    RETURN_IF_ERROR(sink->Tick(end_position, tick.sender.project, tick.jobs));
  }
  return {};
}

uint64_t Fanout::NeededPosition(uint64_t end_position) const {
  uint64_t needed = end_position;
  for (model::RecordSink* sink : sinks_) needed = std::min(needed, sink->durable_position());
  return needed;
}

uint64_t Fanout::FurthestPosition() const {
  uint64_t furthest = 0;
  for (model::RecordSink* sink : sinks_) furthest = std::max(furthest, sink->durable_position());
  return furthest;
}

}  // namespace rankscope::ingest
