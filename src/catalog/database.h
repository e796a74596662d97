#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/sqlite.h"

namespace rankscope::catalog {

// The SQLite file: a row a job, a row a pin, and the journal position that the jobs reflect. One thread at a time.
class Database {
 public:
  static base::Result<std::unique_ptr<Database>> Open(const std::string& path);

  struct JobEntry {
    std::string project, job, state;
  };
  struct PinEntry {
    std::string project, job, by, note;
    base::TimeNs at = 0;
  };
  struct Key {
    std::string project, job;
  };
  // What is not in the file yet; in this order.
  struct Changes {
    std::vector<Key> deleted, unpinned;  // a deleted job has no pin
    std::vector<JobEntry> jobs;
    std::vector<PinEntry> pins;
    uint64_t position = 0;
  };
  base::Result<uint64_t> Load(const std::function<void(JobEntry)>& take_job,
                              const std::function<void(PinEntry)>& take_pin);
  // In one transaction; durable when it returns.
  base::Status Save(const Changes& changes);

 private:
  explicit Database(std::unique_ptr<base::Sqlite> file) : file_(std::move(file)) {}
  base::Status Write(const Changes& changes);

  const std::unique_ptr<base::Sqlite> file_;
};

}  // namespace rankscope::catalog
