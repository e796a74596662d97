#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"

struct sqlite3;

namespace rankscope::catalog {

// The SQLite file: a row a job, and the journal position that they reflect, written in one transaction. One thread.
class Database {
 public:
  static base::Result<std::unique_ptr<Database>> Open(const std::string& path);
  ~Database();

  struct JobEntry {
    std::string project, job, state;
  };
  base::Result<uint64_t> Load(const std::function<void(JobEntry)>& take);
  // Durable when it returns.
  base::Status Save(uint64_t position, const std::vector<JobEntry>& jobs);

 private:
  Database() = default;
  base::Status Execute(const char* sql);
  base::Status Error(const std::string& what) const;

  std::string path_;
  sqlite3* handle_ = nullptr;
};

}  // namespace rankscope::catalog
