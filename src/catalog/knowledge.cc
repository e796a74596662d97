#include "catalog/knowledge.h"

#include "base/file.h"

namespace rankscope::catalog {
namespace {

// A file that was written when the curves were a part of the facts.
constexpr char kHasCurves[] = "SELECT 1 FROM pragma_table_info('job') WHERE name = 'curves'";
constexpr char kAddCurves[] = "ALTER TABLE job ADD COLUMN curves TEXT NOT NULL DEFAULT ''";
constexpr char kMoveCurves[] =
    "UPDATE job SET curves = IFNULL(json_extract(facts, '$.curves'), '') WHERE json_valid(facts)";

}  // namespace

base::Result<std::unique_ptr<Knowledge>> Knowledge::Open(const std::string& folder) {
  RETURN_IF_ERROR(base::MakeDirectories(folder));
  ASSIGN_OR_RETURN(auto file, base::Sqlite::Open(folder + "/knowledge.sqlite"));
  RETURN_IF_ERROR(
      file->Run("CREATE TABLE IF NOT EXISTS job(name TEXT PRIMARY KEY, seen TEXT NOT NULL, facts TEXT NOT NULL, "
                "curves TEXT NOT NULL DEFAULT '')"));
  bool has_curves = false;
  RETURN_IF_ERROR(file->Each(kHasCurves, {}, [&](const base::SqliteRow&) { has_curves = true; }));
  if (!has_curves) {
    RETURN_IF_ERROR(file->Transaction([&]() -> base::Status {
      RETURN_IF_ERROR(file->Run(kAddCurves));
      return file->Run(kMoveCurves);
    }));
  }
  return std::unique_ptr<Knowledge>(new Knowledge(std::move(file)));
}

base::Status Knowledge::Save(const KnownJob& known) {
  std::lock_guard lock(mutex_);
  return file_->Run("INSERT OR REPLACE INTO job VALUES(?, ?, ?, ?)",
                    {known.job, known.seen, known.facts, known.curves});
}

base::Result<std::optional<KnownJob>> Knowledge::Find(const std::string& job) const {
  std::lock_guard lock(mutex_);
  std::optional<KnownJob> found;
  RETURN_IF_ERROR(
      file_->Each("SELECT name, seen, facts, curves FROM job WHERE name = ?", {job}, [&](const base::SqliteRow& row) {
        found = KnownJob{row.Bytes(0), row.Bytes(1), row.Bytes(2), row.Bytes(3)};
      }));
  return found;
}

base::Status Knowledge::Each(const std::function<void(const KnownJob&)>& take) const {
  std::lock_guard lock(mutex_);
  return file_->Each("SELECT name, seen, facts FROM job ORDER BY name", {}, [&](const base::SqliteRow& row) {
    take({row.Bytes(0), row.Bytes(1), row.Bytes(2), ""});
  });
}

base::Status Knowledge::DeleteJob(const std::string& job) {
  std::lock_guard lock(mutex_);
  return file_->Run("DELETE FROM job WHERE name = ?", {job});
}

}  // namespace rankscope::catalog
