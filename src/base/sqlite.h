#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace rankscope::base {

using SqliteValue = std::variant<int64_t, std::string_view>;  // texts are bound as bytes where `sql` takes a BLOB

// One row of an answer, valid while it is given out.
class SqliteRow {
 public:
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}
  int64_t Integer(int column) const;
  std::string Bytes(int column) const;

 private:
  sqlite3_stmt* statement_;
};

// A file of SQLite that this process has for itself; a commit is on the disk when it returns. Errors name the file:
// kCorrupt where it is damaged. One thread at a time.
class Sqlite {
 public:
  static Result<std::unique_ptr<Sqlite>> Open(const std::string& path);
  ~Sqlite();
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;

  // `sql` is one statement, a literal (it is prepared once and known by its address), with a ? for each value.
  Status Run(const char* sql, std::initializer_list<SqliteValue> values = {});
  Status Each(const char* sql, std::initializer_list<SqliteValue> values,
              const std::function<void(const SqliteRow&)>& take);
  // All that the function writes, or nothing of it where it fails.
  Status Transaction(const std::function<Status()>& write);
  int64_t changed_rows() const;  // by the last Run

 private:
  Sqlite() = default;
  Status Error(std::string_view what) const;

  std::string path_;
  sqlite3* handle_ = nullptr;
  std::map<const char*, sqlite3_stmt*> statements_;
};

}  // namespace rankscope::base
