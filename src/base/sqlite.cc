#include "base/sqlite.h"

#include <sqlite3.h>

#include "base/file.h"
#include "base/sqlite_log.h"

namespace rankscope::base {
namespace {

// Without a copy: what is bound is let go of before the caller's values are.
void Bind(sqlite3_stmt* statement, int index, const SqliteValue& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) {
    sqlite3_bind_int64(statement, index, *number);
  } else if (const auto* real = std::get_if<double>(&value)) {
    sqlite3_bind_double(statement, index, *real);
  } else if (const auto* text = std::get_if<std::string_view>(&value)) {
    const char* data = text->data() ? text->data() : "";
    sqlite3_bind_text64(statement, index, data, text->size(), SQLITE_STATIC, SQLITE_UTF8);
  } else {
    sqlite3_bind_null(statement, index);
  }
}

}  // namespace

bool SqliteRow::IsNull(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
int64_t SqliteRow::Integer(int column) const { return sqlite3_column_int64(statement_, column); }
double SqliteRow::Real(int column) const { return sqlite3_column_double(statement_, column); }

std::string SqliteRow::Bytes(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return bytes ? std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column))) : "";
}

Result<std::unique_ptr<Sqlite>> Sqlite::Open(const std::string& path, const SqliteOptions& options) {
  std::unique_ptr<Sqlite> file(new Sqlite(path, options.lost));
  if (sqlite3_open(path.c_str(), &file->handle_) != SQLITE_OK) return file->Error("cannot open");
  RETURN_IF_ERROR(file->Execute(("PRAGMA page_size=" + std::to_string(options.page_size)).c_str()));
  // Nobody else opens it; without the file that processes share, a full disk does not keep it from being read.
  RETURN_IF_ERROR(file->Execute("PRAGMA locking_mode=EXCLUSIVE"));
  RETURN_IF_ERROR(file->Execute("PRAGMA journal_mode=WAL"));
  RETURN_IF_ERROR(file->Execute("PRAGMA synchronous=FULL"));
  return file;
}

Sqlite::~Sqlite() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

Status Sqlite::Error(std::string_view what) const {
  const int code = sqlite3_errcode(handle_);
  const std::string said = sqlite3_errmsg(handle_);
  if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT) {
    return Status::Corrupt(path_ + " is damaged (" + said + "): move it away and start again: " + lost_);
  }
  std::string message = path_ + ": " + std::string(what) + ": " + said;
  return code == SQLITE_FULL ? Status::Unavailable(message) : Status::Internal(message);
}

Status Sqlite::Execute(const char* sql) {
  return sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) == SQLITE_OK ? Status() : Error(sql);
}

Result<sqlite3_stmt*> Sqlite::Prepare(std::string_view sql) {
  if (auto known = statements_.find(sql); known != statements_.end()) return known->second;
  sqlite3_stmt* statement = nullptr;
  const auto size = static_cast<int>(sql.size());
  if (sqlite3_prepare_v3(handle_, sql.data(), size, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    return Error(sql);
  }
  return statements_[std::string(sql)] = statement;
}

Status Sqlite::Each(std::string_view sql, const std::vector<SqliteValue>& values,
                    const std::function<void(const SqliteRow&)>& take) {
  ASSIGN_OR_RETURN(sqlite3_stmt * statement, Prepare(sql));
  int index = 0;
  for (const SqliteValue& value : values) Bind(statement, ++index, value);
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) take(SqliteRow(statement));
  Status status;
  if (code != SQLITE_DONE) status = Error(sqlite3_stmt_readonly(statement) ? "cannot read" : "cannot write");
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return status;
}

Status Sqlite::Run(std::string_view sql, const std::vector<SqliteValue>& values) {
  return Each(sql, values, [](const SqliteRow&) {});
}

Status Sqlite::Transaction(const std::function<Status()>& write) {
  RETURN_IF_ERROR(Execute("BEGIN"));
  Status status = write();
  if (status.ok()) status = Execute("COMMIT");
  if (!status.ok()) (void)Execute("ROLLBACK").ok();
  return status;
}

int64_t Sqlite::changed_rows() const { return sqlite3_changes(handle_); }

Result<std::vector<std::string>> FindSqliteDamage(const std::string& path) {
  std::vector<std::string> damage;
  auto take = [](void* to, int, char** values, char**) {
    if (std::string_view(values[0]) != "ok") static_cast<std::vector<std::string>*>(to)->emplace_back(values[0]);
    return 0;
  };
  sqlite3* handle = nullptr;
  int code = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READONLY, nullptr);
  if (code == SQLITE_OK) code = sqlite3_exec(handle, "PRAGMA integrity_check", take, &damage, nullptr);
  const std::string said = sqlite3_errmsg(handle);
  sqlite3_close(handle);
  if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT) damage.push_back(said);
  const std::string context = path + " is damaged: ";
  for (std::string& sentence : damage) sentence.insert(0, context);
  if (code == SQLITE_OK) {
    auto log = ReadWholeFile(path + "-wal");
    std::string sentence = log.ok() ? FindLogDamage(*log) : "";
    if (!sentence.empty()) damage.push_back(path + "-wal is damaged: " + sentence);
  }
  if (code == SQLITE_OK || !damage.empty()) return damage;
  return code == SQLITE_BUSY ? Status::Unavailable(path + " is in use") : Status::Internal(path + ": " + said);
}

}  // namespace rankscope::base
