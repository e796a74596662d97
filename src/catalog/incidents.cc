#include "catalog/incidents.h"

#include "catalog/sqlite_file.h"

namespace rankscope::catalog {
namespace {

constexpr const char* kTables[] = {
    // `change` is the number of its latest change, of all incidents.
    "CREATE TABLE IF NOT EXISTS incident(place INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, job TEXT NOT NULL, "
    "state TEXT NOT NULL, decision TEXT NOT NULL, severity TEXT NOT NULL, rule TEXT NOT NULL, class TEXT NOT NULL, "
    "superseded_by TEXT NOT NULL, started INTEGER NOT NULL, acknowledged_until INTEGER NOT NULL, "
    "rank_hours REAL NOT NULL, json TEXT NOT NULL, change INTEGER NOT NULL, has_evidence INTEGER NOT NULL DEFAULT 0)",
    "CREATE INDEX IF NOT EXISTS incident_of_job ON incident(job)",
    "CREATE INDEX IF NOT EXISTS incident_change ON incident(change)",
    "CREATE INDEX IF NOT EXISTS incident_acknowledged ON incident(acknowledged_until) WHERE acknowledged_until > 0",
    "CREATE INDEX IF NOT EXISTS incident_without_evidence ON incident(place) WHERE has_evidence = 0",
    "CREATE TABLE IF NOT EXISTS incident_version(number INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, "
    "json TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS listener(name TEXT PRIMARY KEY, told INTEGER)",
    "CREATE TABLE IF NOT EXISTS evidence(incident TEXT PRIMARY KEY, job TEXT NOT NULL, json TEXT NOT NULL)",
    // The change number given last: a deleted incident's is never given again.
    "CREATE TABLE IF NOT EXISTS change_counter(value INTEGER NOT NULL)",
    "INSERT INTO change_counter SELECT (SELECT IFNULL(MAX(change), 0) FROM incident) "
    "WHERE NOT EXISTS (SELECT 1 FROM change_counter)"};

constexpr const char* kColumns =
    "place, id, job, state, decision, severity, rule, class, superseded_by, started, acknowledged_until, rank_hours, "
    "json";
constexpr const char* kOpen = "state IN ('potential', 'confirmed')";

IncidentRow RowFrom(sqlite3_stmt* statement) {
  IncidentRow row;
  int column = 0;
  row.place = IntegerColumn(statement, column++);
  for (std::string* text : {&row.id, &row.job, &row.state, &row.decision, &row.severity, &row.rule, &row.incident_class,
                            &row.superseded_by}) {
    *text = Column(statement, column++);
  }
  row.started = IntegerColumn(statement, column++);
  row.acknowledged_until = IntegerColumn(statement, column++);
  row.rank_hours = RealColumn(statement, column++);
  row.json = Column(statement, column);
  return row;
}

std::vector<IncidentRow> Rows(sqlite3_stmt* select) {
  std::vector<IncidentRow> rows;
  while (Step(select)) rows.push_back(RowFrom(select));
  return rows;
}

std::vector<std::pair<std::string, std::string>> Pairs(sqlite3_stmt* select) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (Step(select)) pairs.emplace_back(Column(select, 0), Column(select, 1));
  return pairs;
}

}  // namespace

void AddMark(const std::string& job, bool confirmed, std::map<std::string, std::string>* marks) {
  std::string& mark = (*marks)[job];
  if (mark != "confirmed") mark = confirmed ? "confirmed" : "potential";
}

base::Status Incidents::CreateTables() {
  for (const char* sql : kTables) RETURN_IF_ERROR(file_->Execute(sql));
  return {};
}

base::Result<std::vector<IncidentRow>> Incidents::List(const IncidentFilter& filter) const {
  std::lock_guard lock(*mutex_);
  const std::pair<const char*, const std::string*> terms[] = {
      {"id", &filter.id},       {"job", &filter.job},
      {"state", &filter.state}, {"severity", &filter.severity},
      {"rule", &filter.rule},   {"class", &filter.incident_class}};
  std::string sql = std::string("SELECT ") + kColumns + " FROM incident WHERE 1";
  for (const auto& [column, value] : terms) {
    if (!value->empty()) sql += std::string(" AND ") + column + " = ?";
  }
  if (filter.open) sql += std::string(*filter.open ? " AND " : " AND NOT ") + kOpen;
  if (filter.changed_after > 0) sql += " AND change > " + std::to_string(filter.changed_after);
  // Few have changed since: the index finds them, where `+` keeps the order from being asked of the table.
  const std::string place = filter.changed_after > 0 ? "+place" : "place";
  if (filter.before > 0) sql += " AND " + place + " < " + std::to_string(filter.before);
  sql += " ORDER BY " + place + " DESC LIMIT " + std::to_string(filter.limit);
  Statement select = file_->Prepare(sql.c_str());
  if (!select) return file_->Error("cannot read");
  int index = 0;
  for (const auto& [column, value] : terms) {
    if (!value->empty()) Bind(select.get(), ++index, *value);
  }
  return Rows(select.get());
}

base::Result<IncidentRow> Incidents::Get(const std::string& id) const {
  IncidentFilter filter;
  filter.id = id;
  if (id.empty()) return base::Status::NotFound("no incident \"\"");
  ASSIGN_OR_RETURN(auto rows, List(filter));
  if (rows.empty()) return base::Status::NotFound("no incident \"" + id + "\"");
  return std::move(rows.front());
}

base::Result<std::vector<std::pair<std::string, std::string>>> Incidents::ActiveFindings(const std::string& job) const {
  std::lock_guard lock(*mutex_);
  Statement select = file_->Prepare("SELECT id, incident FROM finding WHERE job = ? AND active AND incident <> ''");
  if (!select) return file_->Error("cannot read");
  Bind(select.get(), 1, job);
  return Pairs(select.get());
}

base::Result<std::vector<std::pair<std::string, std::string>>> Incidents::AcknowledgedUntil(base::TimeNs now) const {
  std::lock_guard lock(*mutex_);
  Statement select =
      file_->Prepare("SELECT id, job FROM incident WHERE acknowledged_until > 0 AND acknowledged_until <= ?");
  if (!select) return file_->Error("cannot read");
  Bind(select.get(), 1, now);
  return Pairs(select.get());
}

base::Result<std::vector<RuleStats>> Incidents::Stats() const {
  std::lock_guard lock(*mutex_);
  Statement select = file_->Prepare(
      "SELECT rule, COUNT(*), SUM(said = 'confirmed'), SUM(said = 'dismissed'), "
      "(SELECT COUNT(*) FROM incident WHERE incident.rule = known.rule AND superseded_by = ''), "
      "(SELECT TOTAL(rank_hours) FROM incident WHERE incident.rule = known.rule AND superseded_by = '') "
      "FROM (SELECT finding.rule AS rule, "
      "CASE WHEN finding.state = 'potential' THEN IFNULL(incident.decision, '') ELSE finding.state END AS said "
      "FROM finding LEFT JOIN incident ON incident.id = finding.incident) AS known GROUP BY rule ORDER BY rule");
  if (!select) return file_->Error("cannot read");
  std::vector<RuleStats> stats;
  while (Step(select.get())) {
    stats.push_back({Column(select.get(), 0), IntegerColumn(select.get(), 1), IntegerColumn(select.get(), 2),
                     IntegerColumn(select.get(), 3), IntegerColumn(select.get(), 4), RealColumn(select.get(), 5)});
  }
  return stats;
}

base::Result<Incidents::Decided> Incidents::DecidedFindings(const std::string& id) const {
  std::lock_guard lock(*mutex_);
  Statement select = file_->Prepare(
      "SELECT IFNULL(SUM(state = 'confirmed'), 0), IFNULL(SUM(state = 'dismissed'), 0), COUNT(*) FROM finding "
      "WHERE incident = ?");
  if (!select) return file_->Error("cannot read");
  Bind(select.get(), 1, id);
  if (!Step(select.get())) return file_->Error("cannot read");
  return Decided{IntegerColumn(select.get(), 0), IntegerColumn(select.get(), 1), IntegerColumn(select.get(), 2)};
}

uint64_t Incidents::last_change() const {
  std::lock_guard lock(*mutex_);
  Statement select = file_->Prepare("SELECT value FROM change_counter");
  return select && Step(select.get()) ? static_cast<uint64_t>(IntegerColumn(select.get(), 0)) : 0;
}

base::Result<Incidents::News> Incidents::NewsFor(const std::string& listener, int64_t limit) const {
  std::lock_guard lock(*mutex_);
  Statement told = file_->Prepare("SELECT told FROM listener WHERE name = ?");
  Statement last = file_->Prepare("SELECT IFNULL(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'incident_version'");
  if (!told || !last) return file_->Error("cannot read");
  Bind(told.get(), 1, listener);
  bool is_new = !Step(told.get()) || IsNull(told.get(), 0);
  News news;
  if (Step(last.get())) news.upto = static_cast<uint64_t>(IntegerColumn(last.get(), 0));
  std::string open = std::string("SELECT json, 'place ' || place FROM incident WHERE ") + kOpen + " ORDER BY place";
  Statement select = is_new ? file_->Prepare(open.c_str())
                            : file_->Prepare(
                                  "SELECT json, 'version ' || number, number FROM incident_version WHERE number > ? "
                                  "ORDER BY number LIMIT ?");
  if (!select) return file_->Error("cannot read");
  if (!is_new) {
    Bind(select.get(), 1, IntegerColumn(told.get(), 0));
    Bind(select.get(), 2, limit);
  }
  while (Step(select.get())) {
    news.versions.push_back({Column(select.get(), 1), Column(select.get(), 0)});
    if (!is_new) news.upto = static_cast<uint64_t>(IntegerColumn(select.get(), 2));
  }
  return news;
}

base::Status Incidents::NoteTold(const std::string& listener, uint64_t upto) {
  std::lock_guard lock(*mutex_);
  return file_->Transact([&]() -> base::Status {
    Statement set = file_->Prepare("INSERT OR REPLACE INTO listener(name, told) VALUES(?, ?)");
    if (!set) return file_->Error("cannot write");
    Bind(set.get(), 2, static_cast<int64_t>(upto));
    if (!Run(set.get(), {listener})) return file_->Error("cannot write");
    return file_->Execute("DELETE FROM incident_version WHERE number <= (SELECT MIN(IFNULL(told, 0)) FROM listener)");
  });
}

base::Status Incidents::SetListeners(const std::vector<std::string>& names) {
  std::lock_guard lock(*mutex_);
  return file_->Transact([&]() -> base::Status {
    RETURN_IF_ERROR(file_->Execute("CREATE TEMP TABLE listening(name TEXT PRIMARY KEY)"));
    Statement add = file_->Prepare("INSERT OR IGNORE INTO listening VALUES(?)");
    if (!add) return file_->Error("cannot write");
    for (const std::string& name : names) {
      if (!Run(add.get(), {name})) return file_->Error("cannot write");
    }
    add.reset();
    RETURN_IF_ERROR(file_->Execute("DELETE FROM listener WHERE name NOT IN (SELECT name FROM listening)"));
    RETURN_IF_ERROR(file_->Execute("INSERT OR IGNORE INTO listener(name) SELECT name FROM listening"));
    RETURN_IF_ERROR(file_->Execute("DROP TABLE listening"));
    return file_->Execute("DELETE FROM incident_version WHERE NOT EXISTS(SELECT 1 FROM listener)");
  });
}

base::Result<std::string> Incidents::EvidenceOf(const std::string& id) const {
  std::lock_guard lock(*mutex_);
  Statement select = file_->Prepare("SELECT json FROM evidence WHERE incident = ?");
  if (!select) return file_->Error("cannot read");
  Bind(select.get(), 1, id);
  return Step(select.get()) ? Column(select.get(), 0) : std::string();
}

base::Status Incidents::SaveEvidence(const std::string& id, const std::string& job, const std::string& json) {
  std::lock_guard lock(*mutex_);
  return file_->Transact([&]() -> base::Status {
    Statement has = file_->Prepare("UPDATE incident SET has_evidence = 1 WHERE id = ?");
    Statement save = file_->Prepare("INSERT OR REPLACE INTO evidence SELECT id, ?2, ?3 FROM incident WHERE id = ?1");
    if (!has || !save) return file_->Error("cannot write");
    bool written = Run(has.get(), {id}) && Run(save.get(), {id, job, json});
    return written ? base::Status() : file_->Error("cannot write");
  });
}

base::Result<std::vector<IncidentRow>> Incidents::WithoutEvidence(int64_t limit) const {
  std::lock_guard lock(*mutex_);
  std::string sql = std::string("SELECT ") + kColumns + " FROM incident WHERE has_evidence = 0 ORDER BY place LIMIT ?";
  Statement select = file_->Prepare(sql.c_str());
  if (!select) return file_->Error("cannot read");
  Bind(select.get(), 1, limit);
  return Rows(select.get());
}

// Findings of one that was superseded are the other's.
base::Status Incidents::Write(const std::vector<IncidentRow>& rows) {
  Statement insert = file_->Prepare(
      "INSERT INTO incident(id, job, state, decision, severity, rule, class, superseded_by, json, started, "
      "acknowledged_until, rank_hours, change) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
      "(SELECT value FROM change_counter)) "
      "ON CONFLICT(id) DO UPDATE SET state = excluded.state, decision = excluded.decision, "
      "severity = excluded.severity, rule = excluded.rule, class = excluded.class, "
      "superseded_by = excluded.superseded_by, json = excluded.json, started = excluded.started, "
      "acknowledged_until = excluded.acknowledged_until, rank_hours = excluded.rank_hours, change = excluded.change");
  Statement move = file_->Prepare("UPDATE finding SET incident = ?1 WHERE incident = ?2 AND job = ?3");
  if (!insert || !move) return file_->Error("cannot write");
  for (const IncidentRow& row : rows) {
    RETURN_IF_ERROR(file_->Execute("UPDATE change_counter SET value = value + 1"));
    Bind(insert.get(), 10, row.started);
    Bind(insert.get(), 11, row.acknowledged_until);
    BindReal(insert.get(), 12, row.rank_hours);
    bool written = Run(insert.get(), {row.id, row.job, row.state, row.decision, row.severity, row.rule,
                                      row.incident_class, row.superseded_by, row.json});
    if (written && !row.superseded_by.empty()) written = Run(move.get(), {row.superseded_by, row.id, row.job});
    if (!written) return file_->Error("cannot write");
  }
  return {};
}

base::Status Incidents::WriteVersions(const std::vector<IncidentRow>& versions) {
  Statement insert =
      file_->Prepare("INSERT INTO incident_version(job, json) SELECT ?1, ?2 WHERE EXISTS(SELECT 1 FROM listener)");
  if (!insert) return file_->Error("cannot write");
  for (const IncidentRow& version : versions) {
    if (!Run(insert.get(), {version.job, version.json})) return file_->Error("cannot write");
  }
  return {};
}

base::Status Incidents::DeleteJob(const std::string& job) {
  for (const char* sql : {"DELETE FROM incident WHERE job = ?", "DELETE FROM evidence WHERE job = ?"}) {
    Statement remove = file_->Prepare(sql);
    if (!remove || !Run(remove.get(), {job})) return file_->Error("cannot delete");
  }
  return {};
}

base::Status Incidents::ReadMarks(std::map<std::string, std::string>* marks) const {
  Statement select = file_->Prepare(
      "SELECT job, MAX(decision = 'confirmed') FROM incident "
      "WHERE severity <> 'INFO' AND decision <> 'dismissed' AND superseded_by = '' GROUP BY job");
  if (!select) return file_->Error("cannot read");
  while (Step(select.get())) AddMark(Column(select.get(), 0), IntegerColumn(select.get(), 1) != 0, marks);
  return {};
}

}  // namespace rankscope::catalog
