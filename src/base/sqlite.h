#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace rankscope::base {

// NULL, a number or a text; the text is looked at until the call returns, and kept as bytes where `sql` takes a BLOB.
using SqliteValue = std::variant<std::monostate, int64_t, double, std::string_view>;

template <typename T>
SqliteValue OrNull(const std::optional<T>& value) {
  return value ? SqliteValue(*value) : SqliteValue();
}

// One row of an answer, valid while it is given out. Columns count from 0.
class SqliteRow {
 public:
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}
  bool IsNull(int column) const;
  int64_t Integer(int column) const;
  double Real(int column) const;
  std::string Bytes(int column) const;  // empty where it is NULL

 private:
  sqlite3_stmt* statement_;
};

struct SqliteOptions {
  std::string lost;      // by a user who moves the damaged file away: for the message that advises it
  int page_size = 4096;  // bytes, of a new file; small pages where there are many tables of a row or none
};

// A file of SQLite that this process has for itself; a commit is on the disk when it returns. Errors name the file:
// kCorrupt where it is damaged, kUnavailable where the disk is full. One thread at a time.
class Sqlite {
 public:
  static Result<std::unique_ptr<Sqlite>> Open(const std::string& path, const SqliteOptions& options);
  ~Sqlite();
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;

  // Statements that take no values and give no rows. Nothing is kept of them.
  Status Execute(const char* sql);
  // `sql` is one statement with a ? for each value. It is prepared once and kept, so texts of it are to be few.
  Status Run(std::string_view sql, const std::vector<SqliteValue>& values);
  // Calls `take` with each row, which asks nothing of this file meanwhile.
  Status Each(std::string_view sql, const std::vector<SqliteValue>& values,
              const std::function<void(const SqliteRow&)>& take);
  // What `make` makes of all rows.
  template <typename Make>
  auto All(std::string_view sql, const std::vector<SqliteValue>& values, Make make)
      -> Result<std::vector<std::invoke_result_t<Make, const SqliteRow&>>> {
    std::vector<std::invoke_result_t<Make, const SqliteRow&>> all;
    RETURN_IF_ERROR(Each(sql, values, [&](const SqliteRow& row) { all.push_back(make(row)); }));
    return all;
  }
  // Likewise of the first; nothing: there is no row.
  template <typename Make>
  auto First(std::string_view sql, const std::vector<SqliteValue>& values, Make make)
      -> Result<std::optional<std::invoke_result_t<Make, const SqliteRow&>>> {
    std::optional<std::invoke_result_t<Make, const SqliteRow&>> first;
    RETURN_IF_ERROR(Each(sql, values, [&](const SqliteRow& row) {
      if (!first) first = make(row);
    }));
    return first;
  }
  // All that the function writes, or nothing of it where it fails.
  Status Transaction(const std::function<Status()>& write);
  int64_t changed_rows() const;  // by the last Run

 private:
  Sqlite(std::string path, std::string lost) : path_(std::move(path)), lost_(std::move(lost)) {}
  Result<sqlite3_stmt*> Prepare(std::string_view sql);
  Status Error(std::string_view what) const;

  const std::string path_, lost_;
  sqlite3* handle_ = nullptr;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;  // by their texts
};

// What is damaged in a file and in the write-ahead log beside it, which stay as they are; a sentence each. SQLite keeps
// checksums of its log alone: values in the file that differ and still fit are not found. kUnavailable: a process has
// the file open.
Result<std::vector<std::string>> FindSqliteDamage(const std::string& path);

}  // namespace rankscope::base
