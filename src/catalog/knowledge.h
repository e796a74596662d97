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

  // Durable when it returns, and a change of the sums; replaces what was known.
  base::Status Save(const KnownJob& known);
  base::Result<std::optional<KnownJob>> Find(const std::string& job) const;
  // By name, without the curves. `take` calls nothing here.
  base::Status Each(const std::function<void(const KnownJob&)>& take) const;
  base::Status DeleteJob(const std::string& job);  // likewise a change

  // What all jobs come to, as it was kept last. Empty: it was not.
  base::Result<std::string> Sums() const;
  // What was saved and deleted since, in order: the facts from before, and those from now on; empty where there are
  // none. `take` calls nothing here.
  base::Status EachChange(const std::function<void(const std::string& before, const std::string& after)>& take) const;
  // REQUIRES that all changes are in it.
  base::Status SaveSums(const std::string& sums);

 private:
  // REQUIRES mutex_.
  base::Status NoteChange(const std::string& job, const std::string& after);

  explicit Knowledge(std::unique_ptr<base::Sqlite> file) : file_(std::move(file)) {}

  mutable std::mutex mutex_;  // guards the file
  const std::unique_ptr<base::Sqlite> file_;
};

}  // namespace rankscope::catalog
