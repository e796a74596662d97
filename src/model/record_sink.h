#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "model/record_batch.h"

namespace rankscope::model {

// How far a job's time has come, though none of its records says so.
struct JobTime {
  std::string job;
  base::TimeNs time = 0;
};

// Where ingest's records go: the store, later backends and detectors. Ingest knows none of them.
//
// Each sink keeps its own position in the journal. Append is called in journal order, by one thread at a time,
// with the position just past the frame that held the records. After a restart ingest calls it again for
// everything after durable_position(), and never for what lies before: so each record arrives exactly once.
class RecordSink {
 public:
  virtual ~RecordSink() = default;

  // Whether it takes records; kUnavailable says why not, and whoever has them keeps them. Any thread.
  virtual base::Status Ready() { return {}; }

  // Takes the records into memory: queries see them when this returns. All sinks share the one batch.
  virtual base::Status Append(uint64_t end_position, std::shared_ptr<const RecordBatch> records) = 0;

  // Time has come so far for these jobs of the project, and every record until then has. Journalled as records are, and
  // called in the same order on the same thread; most sinks do not care.
  virtual base::Status Tick(uint64_t /*end_position*/, const std::string& /*project*/,
                            const std::vector<JobTime>& /*jobs*/) {
    return {};
  }

  // Everything before this journal position survives a crash in this sink. Any thread.
  virtual uint64_t durable_position() const = 0;
};

}  // namespace rankscope::model
