#pragma once

#include <initializer_list>
#include <memory>
#include <string>

#include "base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace rankscope::catalog {

using Statement = std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>;

// An SQLite file that this process has to itself. One thread at a time.
class SqliteFile {
 public:
  // `lost`: what the user loses who moves a damaged file away, for the message that advises it.
  static base::Result<std::unique_ptr<SqliteFile>> Open(const std::string& path, const std::string& lost);
  ~SqliteFile();
  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;

  base::Status Execute(const char* sql);
  // Null where it cannot be: Error says why.
  Statement Prepare(const char* sql) const;
  // What SQLite said last. kCorrupt: the file is damaged.
  base::Status Error(const std::string& what) const;

  // All or nothing; durable when it returns.
  template <typename Write>
  base::Status Transact(Write write) {
    RETURN_IF_ERROR(Execute("BEGIN"));
    base::Status status = write();
    if (status.ok()) status = Execute("COMMIT");
    if (!status.ok()) (void)Execute("ROLLBACK").ok();
    return status;
  }

 private:
  SqliteFile(std::string path, std::string lost) : path_(std::move(path)), lost_(std::move(lost)) {}

  const std::string path_, lost_;
  sqlite3* handle_ = nullptr;
};

// Parameters and columns: the former from 1, the latter from 0.
void Bind(sqlite3_stmt* statement, int index, const std::string& text);
void BindBlob(sqlite3_stmt* statement, int index, const std::string& bytes);
void Bind(sqlite3_stmt* statement, int index, int64_t number);
void BindNull(sqlite3_stmt* statement, int index);
void BindReal(sqlite3_stmt* statement, int index, double number);
std::string Column(sqlite3_stmt* statement, int index);
std::string BlobColumn(sqlite3_stmt* statement, int index);
int64_t IntegerColumn(sqlite3_stmt* statement, int index);
double RealColumn(sqlite3_stmt* statement, int index);
bool IsNull(sqlite3_stmt* statement, int index);
// Whether there is a row.
bool Step(sqlite3_stmt* statement);
// Runs one that gives no rows, with what is bound and these texts as its first parameters; it can be run again.
bool Run(sqlite3_stmt* statement, std::initializer_list<std::string> texts = {});

}  // namespace rankscope::catalog
