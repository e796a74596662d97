#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/record_sink.h"
#include "model/selection.h"

namespace rankscope::store {

// The embedded engine: immutable, checksummed segments per job, a memtable of what is not yet in one, and a
// manifest that names the live segments together with the journal position up to which they hold everything.
// Format: docs/design/store.md. All methods from any thread.
class Store : public model::RecordSink {
 public:
  struct Options {
    size_t memtable_bytes = 32 << 20;  // sealed into segments past this size (estimated)
  };

  // `damage` gets a sentence per segment that cannot be read; everything else is served.
  static base::Result<std::unique_ptr<Store>> Open(const std::string& folder, Options options,
                                                   std::vector<std::string>* damage);

  // Seals the memtable now: afterwards durable_position() is the last Append's position.
  virtual base::Status Flush() = 0;

  // Calls `take` for each selected record, ordered by (time, arrival); per producer the order is that of seq.
  // `newest_first` gives the reverse. Stops when take returns false. Memory is bounded, not by the result's size.
  virtual base::Status Scan(const model::Selection& selection, bool newest_first,
                            const std::function<bool(const model::Record&)>& take) = 0;

  // Live: calls `take` with each batch as it is appended, on the appending thread: it must be quick and not call
  // back. Returns a token for Unsubscribe, after which `take` is never called again.
  virtual uint64_t Subscribe(std::function<void(const model::RecordBatch&)> take) = 0;
  virtual void Unsubscribe(uint64_t token) = 0;
};

}  // namespace rankscope::store
