#include "catalog/sqlite_file.h"

#include <sqlite3.h>

namespace rankscope::catalog {

base::Result<std::unique_ptr<SqliteFile>> SqliteFile::Open(const std::string& path, const std::string& lost) {
  std::unique_ptr<SqliteFile> file(new SqliteFile(path, lost));
  if (sqlite3_open(path.c_str(), &file->handle_) != SQLITE_OK) return file->Error("cannot open");
  // There are dozens of tables, and of most files most of them have a row or none.
  RETURN_IF_ERROR(file->Execute("PRAGMA page_size=1024"));
  // Nobody else opens it; without the file that processes share, a full disk does not keep it from being read.
  RETURN_IF_ERROR(file->Execute("PRAGMA locking_mode=EXCLUSIVE"));
  RETURN_IF_ERROR(file->Execute("PRAGMA journal_mode=WAL"));
  RETURN_IF_ERROR(file->Execute("PRAGMA synchronous=FULL"));
  return file;
}

SqliteFile::~SqliteFile() { sqlite3_close(handle_); }

base::Status SqliteFile::Error(const std::string& what) const {
  int code = sqlite3_errcode(handle_);
  if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT) {
    return base::Status::Corrupt(path_ + " is damaged (" + sqlite3_errmsg(handle_) +
                                 "): move it away and start again: " + lost_);
  }
  return base::Status::Internal(path_ + ": " + what + ": " + sqlite3_errmsg(handle_));
}

base::Status SqliteFile::Execute(const char* sql) {
  return sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) == SQLITE_OK ? base::Status() : Error(sql);
}

Statement SqliteFile::Prepare(const char* sql) const {
  sqlite3_stmt* raw = nullptr;
  sqlite3_prepare_v2(handle_, sql, -1, &raw, nullptr);
  return {raw, sqlite3_finalize};
}

void Bind(sqlite3_stmt* statement, int index, const std::string& text) {
  sqlite3_bind_text(statement, index, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

void BindBlob(sqlite3_stmt* statement, int index, const std::string& bytes) {
  sqlite3_bind_blob(statement, index, bytes.data(), static_cast<int>(bytes.size()), SQLITE_TRANSIENT);
}

void Bind(sqlite3_stmt* statement, int index, int64_t number) { sqlite3_bind_int64(statement, index, number); }
void BindNull(sqlite3_stmt* statement, int index) { sqlite3_bind_null(statement, index); }
void BindReal(sqlite3_stmt* statement, int index, double number) { sqlite3_bind_double(statement, index, number); }

std::string Column(sqlite3_stmt* statement, int index) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, index));
  return text ? std::string(text, static_cast<size_t>(sqlite3_column_bytes(statement, index))) : "";
}

std::string BlobColumn(sqlite3_stmt* statement, int index) {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, index));
  return bytes ? std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement, index))) : "";
}

int64_t IntegerColumn(sqlite3_stmt* statement, int index) { return sqlite3_column_int64(statement, index); }
double RealColumn(sqlite3_stmt* statement, int index) { return sqlite3_column_double(statement, index); }

bool IsNull(sqlite3_stmt* statement, int index) { return sqlite3_column_type(statement, index) == SQLITE_NULL; }

bool Step(sqlite3_stmt* statement) { return sqlite3_step(statement) == SQLITE_ROW; }

bool Run(sqlite3_stmt* statement, std::initializer_list<std::string> texts) {
  if (!statement) return false;
  int index = 0;
  for (const std::string& text : texts) Bind(statement, ++index, text);
  bool done = sqlite3_step(statement) == SQLITE_DONE;
  sqlite3_reset(statement);
  return done;
}

}  // namespace rankscope::catalog
