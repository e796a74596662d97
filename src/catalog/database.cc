#include "catalog/database.h"

#include <sqlite3.h>

namespace rankscope::catalog {
namespace {

using Statement = std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>;

Statement Prepare(sqlite3* handle, const char* sql) {
  sqlite3_stmt* raw = nullptr;
  sqlite3_prepare_v2(handle, sql, -1, &raw, nullptr);
  return {raw, sqlite3_finalize};
}

void Bind(sqlite3_stmt* statement, int index, const std::string& text) {
  sqlite3_bind_text(statement, index, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

bool Run(sqlite3_stmt* statement, std::initializer_list<std::string> texts) {
  if (!statement) return false;
  sqlite3_reset(statement);
  int index = 0;
  for (const std::string& text : texts) Bind(statement, ++index, text);
  return sqlite3_step(statement) == SQLITE_DONE;
}

std::string Column(sqlite3_stmt* statement, int index) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, index));
  return text ? std::string(text, static_cast<size_t>(sqlite3_column_bytes(statement, index))) : "";
}

}  // namespace

base::Result<std::unique_ptr<Database>> Database::Open(const std::string& path) {
  std::unique_ptr<Database> database(new Database);
  database->path_ = path;
  if (sqlite3_open(path.c_str(), &database->handle_) != SQLITE_OK) return database->Error("cannot open");
  // Nobody else opens it; without the file that processes share, a full disk does not keep it from being read.
  RETURN_IF_ERROR(database->Execute("PRAGMA locking_mode=EXCLUSIVE"));
  RETURN_IF_ERROR(database->Execute("PRAGMA journal_mode=WAL"));
  RETURN_IF_ERROR(database->Execute("PRAGMA synchronous=FULL"));
  RETURN_IF_ERROR(database->Execute(
      "CREATE TABLE IF NOT EXISTS job(project TEXT, job TEXT, state TEXT NOT NULL, PRIMARY KEY(project, job))"));
  RETURN_IF_ERROR(
      database->Execute("CREATE TABLE IF NOT EXISTS pin(project TEXT, job TEXT, by TEXT NOT NULL, note TEXT NOT NULL, "
                        "at INTEGER NOT NULL, PRIMARY KEY(project, job))"));
  RETURN_IF_ERROR(database->Execute("CREATE TABLE IF NOT EXISTS position(id INTEGER PRIMARY KEY, journal INTEGER)"));
  return database;
}

Database::~Database() { sqlite3_close(handle_); }

base::Status Database::Error(const std::string& what) const {
  int code = sqlite3_errcode(handle_);
  if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT) {
    return base::Status::Corrupt(path_ + " is damaged (" + sqlite3_errmsg(handle_) +
                                 "): move it away and start again: jobs are then listed from what the journal holds");
  }
  return base::Status::Internal(path_ + ": " + what + ": " + sqlite3_errmsg(handle_));
}

base::Status Database::Execute(const char* sql) {
  return sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) == SQLITE_OK ? base::Status() : Error(sql);
}

base::Result<uint64_t> Database::Load(const std::function<void(JobEntry)>& take_job,
                                      const std::function<void(PinEntry)>& take_pin) {
  Statement jobs = Prepare(handle_, "SELECT project, job, state FROM job");
  if (!jobs) return Error("cannot read jobs");
  while (sqlite3_step(jobs.get()) == SQLITE_ROW) {
    take_job({Column(jobs.get(), 0), Column(jobs.get(), 1), Column(jobs.get(), 2)});
  }
  Statement pins = Prepare(handle_, "SELECT project, job, by, note, at FROM pin");
  if (!pins) return Error("cannot read pins");
  while (sqlite3_step(pins.get()) == SQLITE_ROW) {
    take_pin({Column(pins.get(), 0), Column(pins.get(), 1), Column(pins.get(), 2), Column(pins.get(), 3),
              sqlite3_column_int64(pins.get(), 4)});
  }
  Statement position = Prepare(handle_, "SELECT journal FROM position WHERE id = 0");
  if (!position) return Error("cannot read the position");
  bool known = sqlite3_step(position.get()) == SQLITE_ROW;
  return known ? static_cast<uint64_t>(sqlite3_column_int64(position.get(), 0)) : 0;
}

base::Status Database::Save(const Changes& changes) {
  RETURN_IF_ERROR(Execute("BEGIN"));
  base::Status status = Write(changes);
  if (status.ok()) status = Execute("COMMIT");
  if (!status.ok()) (void)Execute("ROLLBACK").ok();
  return status;
}

base::Status Database::Write(const Changes& changes) {
  Statement forget = Prepare(handle_, "DELETE FROM job WHERE project = ? AND job = ?");
  Statement unpin = Prepare(handle_, "DELETE FROM pin WHERE project = ? AND job = ?");
  Statement job = Prepare(handle_, "INSERT OR REPLACE INTO job VALUES(?, ?, ?)");
  Statement pin = Prepare(handle_, "INSERT OR REPLACE INTO pin VALUES(?, ?, ?, ?, ?)");
  Statement at = Prepare(handle_, "INSERT OR REPLACE INTO position VALUES(0, ?)");
  if (!forget || !unpin || !job || !pin || !at) return Error("cannot write");
  bool written = true;
  for (const Key& key : changes.deleted) {
    written = written && Run(forget.get(), {key.project, key.job}) && Run(unpin.get(), {key.project, key.job});
  }
  for (const Key& key : changes.unpinned) written = written && Run(unpin.get(), {key.project, key.job});
  for (const JobEntry& entry : changes.jobs) {
    written = written && Run(job.get(), {entry.project, entry.job, entry.state});
  }
  for (const PinEntry& entry : changes.pins) {
    sqlite3_bind_int64(pin.get(), 5, entry.at);
    written = written && Run(pin.get(), {entry.project, entry.job, entry.by, entry.note});
  }
  sqlite3_bind_int64(at.get(), 1, static_cast<sqlite3_int64>(changes.position));
  written = written && Run(at.get(), {});
  return written ? base::Status() : Error("cannot write");
}

}  // namespace rankscope::catalog
