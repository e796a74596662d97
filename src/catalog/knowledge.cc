#include "catalog/knowledge.h"

#include "base/file.h"

namespace rankscope::catalog {
namespace {

KnownJob From(const base::SqliteRow& row) { return {row.Bytes(0), row.Bytes(1), row.Bytes(2)}; }

}  // namespace

base::Result<std::unique_ptr<Knowledge>> Knowledge::Open(const std::string& folder) {
  RETURN_IF_ERROR(base::MakeDirectories(folder));
  ASSIGN_OR_RETURN(auto file, base::Sqlite::Open(folder + "/knowledge.sqlite"));
  RETURN_IF_ERROR(
      file->Run("CREATE TABLE IF NOT EXISTS job(name TEXT PRIMARY KEY, seen TEXT NOT NULL, facts TEXT NOT NULL)"));
  return std::unique_ptr<Knowledge>(new Knowledge(std::move(file)));
}

base::Status Knowledge::Save(const KnownJob& known) {
  std::lock_guard lock(mutex_);
  return file_->Run("INSERT OR REPLACE INTO job VALUES(?, ?, ?)", {known.job, known.seen, known.facts});
}

base::Result<std::optional<KnownJob>> Knowledge::Find(const std::string& job) const {
  std::lock_guard lock(mutex_);
  std::optional<KnownJob> found;
  RETURN_IF_ERROR(file_->Each("SELECT name, seen, facts FROM job WHERE name = ?", {job},
                              [&](const base::SqliteRow& row) { found = From(row); }));
  return found;
}

base::Status Knowledge::Each(const std::function<void(const KnownJob&)>& take) const {
  std::lock_guard lock(mutex_);
  return file_->Each("SELECT name, seen, facts FROM job ORDER BY name", {},
                     [&](const base::SqliteRow& row) { take(From(row)); });
}

base::Status Knowledge::DeleteJob(const std::string& job) {
  std::lock_guard lock(mutex_);
  return file_->Run("DELETE FROM job WHERE name = ?", {job});
}

}  // namespace rankscope::catalog
