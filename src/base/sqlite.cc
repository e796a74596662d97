#include "base/sqlite.h"

#include <sqlite3.h>

namespace rankscope::base {

int64_t SqliteRow::Integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string SqliteRow::Bytes(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return bytes ? std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column))) : "";
}

Result<std::unique_ptr<Sqlite>> Sqlite::Open(const std::string& path) {
  std::unique_ptr<Sqlite> file(new Sqlite);
  file->path_ = path;
  if (sqlite3_open(path.c_str(), &file->handle_) != SQLITE_OK) return file->Error("cannot open");
  // Nobody else opens it; without the file that processes share, a full disk does not keep it from being read.
  for (const char* pragma : {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"}) {
    RETURN_IF_ERROR(file->Run(pragma));
  }
  return file;
}

Sqlite::~Sqlite() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

Status Sqlite::Error(std::string_view what) const {
  int code = sqlite3_errcode(handle_);
  std::string message = path_ + ": " + std::string(what) + ": " + sqlite3_errmsg(handle_);
  if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT) return Status::Corrupt(message);
  return code == SQLITE_FULL ? Status::Unavailable(message) : Status::Internal(message);
}

Status Sqlite::Each(const char* sql, std::initializer_list<SqliteValue> values,
                    const std::function<void(const SqliteRow&)>& take) {
  sqlite3_stmt*& statement = statements_[sql];
  if (!statement && sqlite3_prepare_v2(handle_, sql, -1, &statement, nullptr) != SQLITE_OK) return Error(sql);
  int index = 0;
  for (const SqliteValue& value : values) {
    ++index;
    if (const auto* number = std::get_if<int64_t>(&value)) {
      sqlite3_bind_int64(statement, index, *number);
    } else {
      std::string_view bytes = std::get<std::string_view>(value);
      const char* data = bytes.data() ? bytes.data() : "";
      sqlite3_bind_text(statement, index, data, static_cast<int>(bytes.size()), SQLITE_TRANSIENT);
    }
  }
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) take(SqliteRow(statement));
  Status status = code == SQLITE_DONE ? Status() : Error(sql);
  sqlite3_reset(statement);
  return status;
}

Status Sqlite::Run(const char* sql, std::initializer_list<SqliteValue> values) {
  return Each(sql, values, [](const SqliteRow&) {});
}

Status Sqlite::Transaction(const std::function<Status()>& write) {
  RETURN_IF_ERROR(Run("BEGIN"));
  Status status = write();
  if (status.ok()) status = Run("COMMIT");
  if (!status.ok()) (void)Run("ROLLBACK").ok();
  return status;
}

int64_t Sqlite::changed_rows() const { return sqlite3_changes(handle_); }

}  // namespace rankscope::base
