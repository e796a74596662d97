#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/sqlite.h"
#include "base/status.h"

namespace rankscope::catalog {

// What is kept of a job when it is over, whatever retention does with its records: how it is to be read is up to the
// room that made it.
struct KnownJob {
  std::string job;
  std::string seen;           // what the job was like then; another text: it is to be looked at again
  std::string facts, curves;  // JSON
};

// Of a project, in SQLite (FOLDER/knowledge.sqlite). Any thread.
class Knowledge {
 public:
  static base::Result<std::unique_ptr<Knowledge>> Open(const std::string& folder);

  // Durable when it returns; replaces what was known.
  base::Status Save(const KnownJob& known);
  base::Result<std::optional<KnownJob>> Find(const std::string& job) const;
  // By name, without the curves. `take` calls nothing here.
  base::Status Each(const std::function<void(const KnownJob&)>& take) const;
  base::Status DeleteJob(const std::string& job);

 private:
  explicit Knowledge(std::unique_ptr<base::Sqlite> file) : file_(std::move(file)) {}

  mutable std::mutex mutex_;  // guards the file
  const std::unique_ptr<base::Sqlite> file_;
};

}  // namespace rankscope::catalog
