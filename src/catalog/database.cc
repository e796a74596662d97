#include "catalog/database.h"

namespace rankscope::catalog {

base::Result<std::unique_ptr<Database>> Database::Open(const std::string& path) {
  ASSIGN_OR_RETURN(auto file, base::Sqlite::Open(path, {"jobs are then listed from what the journal holds", 1024}));
  RETURN_IF_ERROR(file->Execute(
      "CREATE TABLE IF NOT EXISTS job(project TEXT, job TEXT, state TEXT NOT NULL, PRIMARY KEY(project, job))"));
  RETURN_IF_ERROR(
      file->Execute("CREATE TABLE IF NOT EXISTS pin(project TEXT, job TEXT, by TEXT NOT NULL, note TEXT NOT NULL, "
                    "at INTEGER NOT NULL, PRIMARY KEY(project, job))"));
  RETURN_IF_ERROR(file->Execute("CREATE TABLE IF NOT EXISTS position(id INTEGER PRIMARY KEY, journal INTEGER)"));
  return std::unique_ptr<Database>(new Database(std::move(file)));
}

base::Result<uint64_t> Database::Load(const std::function<void(JobEntry)>& take_job,
                                      const std::function<void(PinEntry)>& take_pin) {
  RETURN_IF_ERROR(file_->Each("SELECT project, job, state FROM job", {}, [&](const base::SqliteRow& row) {
    take_job({row.Bytes(0), row.Bytes(1), row.Bytes(2)});
  }));
  RETURN_IF_ERROR(file_->Each("SELECT project, job, by, note, at FROM pin", {}, [&](const base::SqliteRow& row) {
    take_pin({row.Bytes(0), row.Bytes(1), row.Bytes(2), row.Bytes(3), row.Integer(4)});
  }));
  ASSIGN_OR_RETURN(auto position, file_->First("SELECT journal FROM position WHERE id = 0", {},
                                               [](const base::SqliteRow& row) { return row.Integer(0); }));
  return static_cast<uint64_t>(position.value_or(0));
}

base::Status Database::Save(const Changes& changes) {
  return file_->Transaction([&] { return Write(changes); });
}

base::Status Database::Write(const Changes& changes) {
  constexpr char kUnpin[] = "DELETE FROM pin WHERE project = ? AND job = ?";
  for (const Key& key : changes.deleted) {
    RETURN_IF_ERROR(file_->Run("DELETE FROM job WHERE project = ? AND job = ?", {key.project, key.job}));
    RETURN_IF_ERROR(file_->Run(kUnpin, {key.project, key.job}));
  }
  for (const Key& key : changes.unpinned) RETURN_IF_ERROR(file_->Run(kUnpin, {key.project, key.job}));
  for (const JobEntry& entry : changes.jobs) {
    RETURN_IF_ERROR(file_->Run("INSERT OR REPLACE INTO job VALUES(?, ?, ?)", {entry.project, entry.job, entry.state}));
  }
  for (const PinEntry& pin : changes.pins) {
    RETURN_IF_ERROR(file_->Run("INSERT OR REPLACE INTO pin VALUES(?, ?, ?, ?, ?)",
                               {pin.project, pin.job, pin.by, pin.note, pin.at}));
  }
  return file_->Run("INSERT OR REPLACE INTO position VALUES(0, ?)", {static_cast<int64_t>(changes.position)});
}

}  // namespace rankscope::catalog
