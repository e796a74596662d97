#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace rankscope::store {

// What lies in a store's folder, read without serving it: a server may go on meanwhile.
struct JobStats {
  std::string project, job;
  uint64_t records = 0, bytes = 0;
  uint32_t segments = 0, blocks = 0, templates = 0;
};
struct StoreReport {
  std::vector<JobStats> jobs;
  std::vector<std::string> damage;  // a sentence each: file, block, job, and what is lost
};

// Reads the footers of all segments. kNotFound: there is no store.
base::Result<StoreReport> InspectStore(const std::string& folder);
// Reads every byte as well and compares every checksum.
base::Result<StoreReport> VerifyStore(const std::string& folder);

}  // namespace rankscope::store
