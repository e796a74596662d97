#include "catalog/database.h"

namespace rankscope::catalog {

base::Result<std::unique_ptr<Database>> Database::Open(const std::string& path) {
  ASSIGN_OR_RETURN(auto file, SqliteFile::Open(path, "jobs are then listed from what the journal holds"));
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
  Statement jobs = file_->Prepare("SELECT project, job, state FROM job");
  if (!jobs) return file_->Error("cannot read jobs");
  while (Step(jobs.get())) {
    take_job({Column(jobs.get(), 0), Column(jobs.get(), 1), Column(jobs.get(), 2)});
  }
  Statement pins = file_->Prepare("SELECT project, job, by, note, at FROM pin");
  if (!pins) return file_->Error("cannot read pins");
  while (Step(pins.get())) {
    take_pin({Column(pins.get(), 0), Column(pins.get(), 1), Column(pins.get(), 2), Column(pins.get(), 3),
              IntegerColumn(pins.get(), 4)});
  }
  Statement position = file_->Prepare("SELECT journal FROM position WHERE id = 0");
  if (!position) return file_->Error("cannot read the position");
  bool known = Step(position.get());
  return known ? static_cast<uint64_t>(IntegerColumn(position.get(), 0)) : 0;
}

base::Status Database::Save(const Changes& changes) {
  return file_->Transact([&] { return Write(changes); });
}

base::Status Database::Write(const Changes& changes) {
  Statement forget = file_->Prepare("DELETE FROM job WHERE project = ? AND job = ?");
  Statement unpin = file_->Prepare("DELETE FROM pin WHERE project = ? AND job = ?");
  Statement job = file_->Prepare("INSERT OR REPLACE INTO job VALUES(?, ?, ?)");
  Statement pin = file_->Prepare("INSERT OR REPLACE INTO pin VALUES(?, ?, ?, ?, ?)");
  Statement at = file_->Prepare("INSERT OR REPLACE INTO position VALUES(0, ?)");
  if (!forget || !unpin || !job || !pin || !at) return file_->Error("cannot write");
  bool written = true;
  for (const Key& key : changes.deleted) {
    written = written && Run(forget.get(), {key.project, key.job}) && Run(unpin.get(), {key.project, key.job});
  }
  for (const Key& key : changes.unpinned) written = written && Run(unpin.get(), {key.project, key.job});
  for (const JobEntry& entry : changes.jobs) {
    written = written && Run(job.get(), {entry.project, entry.job, entry.state});
  }
  for (const PinEntry& entry : changes.pins) {
    Bind(pin.get(), 5, entry.at);
    written = written && Run(pin.get(), {entry.project, entry.job, entry.by, entry.note});
  }
  Bind(at.get(), 1, static_cast<int64_t>(changes.position));
  written = written && Run(at.get());
  return written ? base::Status() : file_->Error("cannot write");
}

}  // namespace rankscope::catalog
