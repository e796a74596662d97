#include "catalog/wanted_actions.h"

#include "catalog/sqlite_file.h"

namespace rankscope::catalog {
namespace {

constexpr char kTable[] =
    "CREATE TABLE IF NOT EXISTS wanted_action(place INTEGER PRIMARY KEY, job TEXT NOT NULL, action TEXT NOT NULL, "
    "finding TEXT NOT NULL, rule TEXT NOT NULL, incident TEXT NOT NULL, rank INTEGER, begun INTEGER NOT NULL DEFAULT "
    "0, "
    "concluded INTEGER NOT NULL DEFAULT 0, further INTEGER NOT NULL DEFAULT 0, UNIQUE(job, action))";

WantedAction RowFrom(sqlite3_stmt* statement) {
  WantedAction wanted;
  int column = 0;
  for (std::string* text : {&wanted.job, &wanted.action, &wanted.finding, &wanted.rule, &wanted.incident}) {
    *text = Column(statement, column++);
  }
  if (!IsNull(statement, column)) wanted.rank = static_cast<int32_t>(IntegerColumn(statement, column));
  wanted.begun = IntegerColumn(statement, column + 1);
  wanted.concluded = IntegerColumn(statement, column + 2) != 0;
  wanted.further = IntegerColumn(statement, column + 3);
  return wanted;
}

}  // namespace

base::Status WantedActions::CreateTables() { return file_->Execute(kTable); }

base::Result<std::vector<WantedAction>> WantedActions::List() const {
  std::lock_guard lock(*mutex_);
  Statement select = file_->Prepare(
      "SELECT job, action, finding, rule, incident, rank, begun, concluded, further FROM wanted_action ORDER BY place");
  if (!select) return file_->Error("cannot read");
  std::vector<WantedAction> all;
  while (Step(select.get())) all.push_back(RowFrom(select.get()));
  return all;
}

base::Status WantedActions::MarkBegun(const WantedAction& wanted, base::TimeNs at) {
  std::lock_guard lock(*mutex_);
  return file_->Transact([&]() -> base::Status {
    Statement update = file_->Prepare("UPDATE wanted_action SET begun = ?3 WHERE job = ?1 AND action = ?2");
    if (!update) return file_->Error("cannot write");
    Bind(update.get(), 3, at);
    return Run(update.get(), {wanted.job, wanted.action}) ? base::Status() : file_->Error("cannot write");
  });
}

base::Status WantedActions::Remove(const WantedAction& wanted) {
  Statement remove = file_->Prepare("DELETE FROM wanted_action WHERE job = ?1 AND action = ?2");
  if (!remove) return file_->Error("cannot delete");
  return Run(remove.get(), {wanted.job, wanted.action}) ? base::Status() : file_->Error("cannot delete");
}

base::Status WantedActions::Write(const std::vector<WantedAction>& all) {
  Statement insert = file_->Prepare(
      "INSERT INTO wanted_action(job, action, finding, rule, incident, rank, further) VALUES(?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT(job, action) DO UPDATE SET further = further + 1 + excluded.further");
  if (!insert) return file_->Error("cannot write");
  for (const WantedAction& wanted : all) {
    if (wanted.rank) {
      Bind(insert.get(), 6, static_cast<int64_t>(*wanted.rank));
    } else {
      BindNull(insert.get(), 6);
    }
    Bind(insert.get(), 7, wanted.further);
    bool written = Run(insert.get(), {wanted.job, wanted.action, wanted.finding, wanted.rule, wanted.incident});
    if (!written) return file_->Error("cannot write");
  }
  return {};
}

base::Status WantedActions::MarkConcluded(const std::string& finding) {
  Statement update = file_->Prepare("UPDATE wanted_action SET concluded = 1 WHERE finding = ?");
  if (!update) return file_->Error("cannot write");
  return Run(update.get(), {finding}) ? base::Status() : file_->Error("cannot write");
}

base::Status WantedActions::DeleteJob(const std::string& job) {
  Statement remove = file_->Prepare("DELETE FROM wanted_action WHERE job = ?");
  if (!remove) return file_->Error("cannot delete");
  return Run(remove.get(), {job}) ? base::Status() : file_->Error("cannot delete");
}

}  // namespace rankscope::catalog
