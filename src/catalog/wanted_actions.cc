#include "catalog/wanted_actions.h"

namespace rankscope::catalog {
namespace {

constexpr char kTable[] =
    "CREATE TABLE IF NOT EXISTS wanted_action(place INTEGER PRIMARY KEY, job TEXT NOT NULL, action TEXT NOT NULL, "
    "finding TEXT NOT NULL, rule TEXT NOT NULL, incident TEXT NOT NULL, rank INTEGER, begun INTEGER NOT NULL DEFAULT "
    "0, "
    "concluded INTEGER NOT NULL DEFAULT 0, further INTEGER NOT NULL DEFAULT 0, UNIQUE(job, action))";

WantedAction RowFrom(const base::SqliteRow& row) {
  WantedAction wanted;
  int column = 0;
  for (std::string* text : {&wanted.job, &wanted.action, &wanted.finding, &wanted.rule, &wanted.incident}) {
    *text = row.Bytes(column++);
  }
  if (!row.IsNull(column)) wanted.rank = static_cast<int32_t>(row.Integer(column));
  wanted.begun = row.Integer(column + 1);
  wanted.concluded = row.Integer(column + 2) != 0;
  wanted.further = row.Integer(column + 3);
  return wanted;
}

}  // namespace

base::Status WantedActions::CreateTables() { return file_->Execute(kTable); }

base::Result<std::vector<WantedAction>> WantedActions::List() const {
  std::lock_guard lock(*mutex_);
  return file_->All(
      "SELECT job, action, finding, rule, incident, rank, begun, concluded, further FROM wanted_action ORDER BY place",
      {}, RowFrom);
}

base::Status WantedActions::MarkBegun(const WantedAction& wanted, base::TimeNs at) {
  std::lock_guard lock(*mutex_);
  return file_->Run("UPDATE wanted_action SET begun = ? WHERE job = ? AND action = ?", {at, wanted.job, wanted.action});
}

base::Status WantedActions::Remove(const WantedAction& wanted) {
  return file_->Run("DELETE FROM wanted_action WHERE job = ? AND action = ?", {wanted.job, wanted.action});
}

base::Status WantedActions::Write(const std::vector<WantedAction>& all) {
  for (const WantedAction& wanted : all) {
    RETURN_IF_ERROR(file_->Run(
        "INSERT INTO wanted_action(job, action, finding, rule, incident, rank, further) VALUES(?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT(job, action) DO UPDATE SET further = further + 1 + excluded.further",
        {wanted.job, wanted.action, wanted.finding, wanted.rule, wanted.incident, base::OrNull(wanted.rank),
         wanted.further}));
  }
  return {};
}

base::Status WantedActions::MarkConcluded(const std::string& finding) {
  return file_->Run("UPDATE wanted_action SET concluded = 1 WHERE finding = ?", {finding});
}

base::Status WantedActions::DeleteJob(const std::string& job) {
  return file_->Run("DELETE FROM wanted_action WHERE job = ?", {job});
}

}  // namespace rankscope::catalog
