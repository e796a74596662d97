#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/record_sink.h"
#include "query/log_source.h"

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

  // REQUIRES the store outlives it. (The store does not include query's execution; only the seam's types.)
  virtual query::LogSource* log_source() = 0;
};

}  // namespace rankscope::store
