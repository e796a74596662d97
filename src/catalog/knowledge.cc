#include "catalog/knowledge.h"

#include "base/file.h"

namespace rankscope::catalog {
namespace {

constexpr char kLost[] = "what is known of jobs whose records are gone is then gone, too";

// A file that was written when the curves were a part of the facts.
constexpr char kHasCurves[] = "SELECT 1 FROM pragma_table_info('job') WHERE name = 'curves'";
constexpr char kAddCurves[] = "ALTER TABLE job ADD COLUMN curves TEXT NOT NULL DEFAULT ''";
constexpr char kMoveCurves[] =
    "UPDATE job SET curves = IFNULL(json_extract(facts, '$.curves'), '') WHERE json_valid(facts)";

}  // namespace

base::Result<std::unique_ptr<Knowledge>> Knowledge::Open(const std::string& folder) {
  RETURN_IF_ERROR(base::MakeDirectories(folder));
  ASSIGN_OR_RETURN(auto file, base::Sqlite::Open(folder + "/knowledge.sqlite", {kLost}));
  RETURN_IF_ERROR(
      file->Execute("CREATE TABLE IF NOT EXISTS job(name TEXT PRIMARY KEY, seen TEXT NOT NULL, facts TEXT NOT NULL, "
                    "curves TEXT NOT NULL DEFAULT '')"));
  RETURN_IF_ERROR(file->Execute("CREATE TABLE IF NOT EXISTS sums(text TEXT NOT NULL)"));
  RETURN_IF_ERROR(file->Execute(
      "CREATE TABLE IF NOT EXISTS change(number INTEGER PRIMARY KEY, before TEXT NOT NULL, after TEXT NOT "
      "NULL)"));
  ASSIGN_OR_RETURN(auto has_curves, file->First(kHasCurves, {}, [](const base::SqliteRow&) { return true; }));
  if (!has_curves) {
    RETURN_IF_ERROR(file->Transaction([&]() -> base::Status {
      RETURN_IF_ERROR(file->Execute(kAddCurves));
      return file->Execute(kMoveCurves);
    }));
  }
  return std::unique_ptr<Knowledge>(new Knowledge(std::move(file)));
}

base::Status Knowledge::Save(const KnownJob& known) {
  std::lock_guard lock(mutex_);
  return file_->Transaction([&]() -> base::Status {
    RETURN_IF_ERROR(NoteChange(known.job, known.facts));
    return file_->Run("INSERT OR REPLACE INTO job VALUES(?, ?, ?, ?)",
                      {known.job, known.seen, known.facts, known.curves});
  });
}

base::Status Knowledge::NoteChange(const std::string& job, const std::string& after) {
  return file_->Run("INSERT INTO change(before, after) VALUES(IFNULL((SELECT facts FROM job WHERE name = ?), ''), ?)",
                    {job, after});
}

base::Result<std::optional<KnownJob>> Knowledge::Find(const std::string& job) const {
  std::lock_guard lock(mutex_);
  return file_->First("SELECT name, seen, facts, curves FROM job WHERE name = ?", {job},
                      [](const base::SqliteRow& row) {
                        return KnownJob{row.Bytes(0), row.Bytes(1), row.Bytes(2), row.Bytes(3)};
                      });
}

base::Status Knowledge::Each(const std::function<void(const KnownJob&)>& take) const {
  std::lock_guard lock(mutex_);
  return file_->Each("SELECT name, seen, facts FROM job ORDER BY name", {}, [&](const base::SqliteRow& row) {
    take({row.Bytes(0), row.Bytes(1), row.Bytes(2), ""});
  });
}

base::Status Knowledge::DeleteJob(const std::string& job) {
  std::lock_guard lock(mutex_);
  return file_->Transaction([&]() -> base::Status {
    RETURN_IF_ERROR(NoteChange(job, ""));
    return file_->Run("DELETE FROM job WHERE name = ?", {job});
  });
}

base::Result<std::string> Knowledge::Sums() const {
  std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(auto sums, file_->First("SELECT text FROM sums", {}, [](const auto& row) { return row.Bytes(0); }));
  return sums.value_or("");
}

base::Status Knowledge::EachChange(
    const std::function<void(const std::string& before, const std::string& after)>& take) const {
  std::lock_guard lock(mutex_);
  return file_->Each("SELECT before, after FROM change ORDER BY number", {},
                     [&](const base::SqliteRow& row) { take(row.Bytes(0), row.Bytes(1)); });
}

base::Status Knowledge::SaveSums(const std::string& sums) {
  std::lock_guard lock(mutex_);
  return file_->Transaction([&]() -> base::Status {
    RETURN_IF_ERROR(file_->Execute("DELETE FROM sums"));
    RETURN_IF_ERROR(file_->Run("INSERT INTO sums VALUES(?)", {sums}));
    return file_->Execute("DELETE FROM change");
  });
}

}  // namespace rankscope::catalog
