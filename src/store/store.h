#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/budget.h"
#include "model/aggregation.h"
#include "model/record_sink.h"
#include "model/scan.h"
#include "store/retention.h"

namespace rankscope::store {

// The embedded engine of one project: immutable, checksummed, columnar segments per job, a memtable of what is not yet
// in one, and a manifest that names the live segments together with the journal position up to which they hold
// everything. A thread seals memtables and merges segments. Format and reasons: docs/design/segment.md. All methods
// from any thread.
class Store : public model::RecordSink {
 public:
  struct Options {
    std::string project = "default";   // whose records these are: Append takes no others (kInvalid)
    size_t memtable_bytes = 20 << 20;  // sealed into segments past this size
    int64_t idle_ms = 1000;            // or after so long without a record
    size_t merge_at = 8;               // so many small neighbours of a job become one
    // A sentence for whoever runs the server, when records cannot be written and when they are again; the sealing
    // thread. Null: nobody is told.
    std::function<void(const std::string&)> say = nullptr;
  };

  // `damage` gets a sentence per file that cannot be read; everything else is served.
  static base::Result<std::unique_ptr<Store>> Open(const std::string& folder, Options options,
                                                   std::vector<std::string>* damage);

  // Seals the memtable now: afterwards durable_position() is the last Append's position.
  virtual base::Status Flush() = 0;
  // What the last attempt at sealing said: while it fails, memory and journal keep the records.
  virtual base::Status LastSealing() = 0;
  // Merges each job's segments into few, however large. Blocks while it does.
  virtual base::Status Compact() = 0;

  // Calls `take` for each record of the scan, ordered by (time, seq, rank, arrival); `newest_first` gives the reverse.
  // Stops when take returns false or the budget is spent. Memory is bounded, not by the result's size. What is damaged
  // is left out, which the budget then says. kInvalid: a regex that RE2 does not take.
  virtual base::Status Read(const model::Scan& scan, base::Budget* budget,
                            const std::function<bool(const model::Record&)>& take) = 0;
  // Gives `take` the table of the scan's records, computed on columns. False: that cannot be, nothing was given, and
  // rows must do.
  virtual base::Result<bool> Aggregate(const model::Scan& scan, const model::Aggregation& aggregation,
                                       base::Budget* budget, const model::TakeCells& take) = 0;

  // The patterns of the scan's text records (pattern_mask.h), most frequent first; its limit and order do not apply.
  virtual base::Result<std::vector<model::Pattern>> Patterns(const model::Scan& scan, base::Budget* budget) = 0;

  // Removes everything of the job that was appended before the call, for good: no replay brings it back. What comes
  // meanwhile may stay or go, what comes later stays. After an error some of it may be gone; call it again. Records of
  // its own that cannot be written are no hindrance, those of another job are.
  virtual base::Status DeleteJob(const std::string& job) = 0;

  // Whether anything of the job is there, sealed or not.
  virtual bool Holds(const std::string& job) = 0;
  // Removes the sealed segments that are due, for good, and returns them.
  virtual base::Result<std::vector<StoredSegment>> Expire(const Retention& retention, const Kept& kept,
                                                          base::TimeNs now) = 0;
  // Of all sealed segments.
  virtual uint64_t SealedBytes() = 0;

  // Live: calls `take` with each batch as it is appended, on the appending thread: it must be quick and not call
  // back. Returns a token for Unsubscribe, after which `take` is never called again.
  virtual uint64_t Subscribe(std::function<void(const std::shared_ptr<const model::RecordBatch>&)> take) = 0;
  virtual void Unsubscribe(uint64_t token) = 0;
};

}  // namespace rankscope::store
