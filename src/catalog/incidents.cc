#include "catalog/incidents.h"

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

IncidentRow RowFrom(const base::SqliteRow& from) {
  IncidentRow row;
  int column = 0;
  row.place = from.Integer(column++);
  for (std::string* text : {&row.id, &row.job, &row.state, &row.decision, &row.severity, &row.rule, &row.incident_class,
                            &row.superseded_by}) {
    *text = from.Bytes(column++);
  }
  row.started = from.Integer(column++);
  row.acknowledged_until = from.Integer(column++);
  row.rank_hours = from.Real(column++);
  row.json = from.Bytes(column);
  return row;
}

std::pair<std::string, std::string> PairFrom(const base::SqliteRow& row) { return {row.Bytes(0), row.Bytes(1)}; }

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
  std::vector<base::SqliteValue> values;
  for (const auto& [column, value] : terms) {
    if (value->empty()) continue;
    sql += std::string(" AND ") + column + " = ?";
    values.emplace_back(*value);
  }
  if (filter.open) sql += std::string(*filter.open ? " AND " : " AND NOT ") + kOpen;
  // Few have changed since: the index finds them, where `+` keeps the order from being asked of the table.
  const std::string place = filter.changed_after > 0 ? "+place" : "place";
  if (filter.changed_after > 0) {
    sql += " AND change > ?";
    values.emplace_back(static_cast<int64_t>(filter.changed_after));
  }
  if (filter.before > 0) {
    sql += " AND " + place + " < ?";
    values.emplace_back(filter.before);
  }
  sql += " ORDER BY " + place + " DESC LIMIT ?";
  values.emplace_back(filter.limit);
  return file_->All(sql, values, RowFrom);
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
  return file_->All("SELECT id, incident FROM finding WHERE job = ? AND active AND incident <> ''", {job}, PairFrom);
}

base::Result<std::vector<std::pair<std::string, std::string>>> Incidents::AcknowledgedUntil(base::TimeNs now) const {
  std::lock_guard lock(*mutex_);
  return file_->All("SELECT id, job FROM incident WHERE acknowledged_until > 0 AND acknowledged_until <= ?", {now},
                    PairFrom);
}

base::Result<std::vector<RuleStats>> Incidents::Stats() const {
  std::lock_guard lock(*mutex_);
  return file_->All(
      "SELECT rule, COUNT(*), SUM(said = 'confirmed'), SUM(said = 'dismissed'), "
      "(SELECT COUNT(*) FROM incident WHERE incident.rule = known.rule AND superseded_by = ''), "
      "(SELECT TOTAL(rank_hours) FROM incident WHERE incident.rule = known.rule AND superseded_by = '') "
      "FROM (SELECT finding.rule AS rule, "
      "CASE WHEN finding.state = 'potential' THEN IFNULL(incident.decision, '') ELSE finding.state END AS said "
      "FROM finding LEFT JOIN incident ON incident.id = finding.incident) AS known GROUP BY rule ORDER BY rule",
      {}, [](const base::SqliteRow& row) {
        return RuleStats{row.Bytes(0), row.Integer(1), row.Integer(2), row.Integer(3), row.Integer(4), row.Real(5)};
      });
}

base::Result<Incidents::Decided> Incidents::DecidedFindings(const std::string& id) const {
  std::lock_guard lock(*mutex_);
  auto decided = [](const base::SqliteRow& row) { return Decided{row.Integer(0), row.Integer(1), row.Integer(2)}; };
  ASSIGN_OR_RETURN(
      auto found,
      file_->First("SELECT IFNULL(SUM(state = 'confirmed'), 0), IFNULL(SUM(state = 'dismissed'), 0), COUNT(*) "
                   "FROM finding WHERE incident = ?",
                   {id}, decided));
  return found.value_or(Decided());
}

uint64_t Incidents::last_change() const {
  std::lock_guard lock(*mutex_);
  auto last = file_->First("SELECT value FROM change_counter", {}, [](const auto& row) { return row.Integer(0); });
  return last.ok() ? static_cast<uint64_t>(last->value_or(0)) : 0;
}

base::Result<Incidents::News> Incidents::NewsFor(const std::string& listener, int64_t limit) const {
  std::lock_guard lock(*mutex_);
  News news;
  ASSIGN_OR_RETURN(auto last,
                   file_->First("SELECT IFNULL(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'incident_version'", {},
                                [](const base::SqliteRow& row) { return row.Integer(0); }));
  news.upto = static_cast<uint64_t>(last.value_or(0));
  auto take = [&](const base::SqliteRow& row) { news.versions.push_back({row.Bytes(1), row.Bytes(0)}); };
  ASSIGN_OR_RETURN(auto told, file_->First("SELECT told FROM listener WHERE name = ? AND told IS NOT NULL", {listener},
                                           [](const base::SqliteRow& row) { return row.Integer(0); }));
  if (!told) {
    RETURN_IF_ERROR(file_->Each(
        std::string("SELECT json, 'place ' || place FROM incident WHERE ") + kOpen + " ORDER BY place", {}, take));
    return news;
  }
  RETURN_IF_ERROR(file_->Each(
      "SELECT json, 'version ' || number, number FROM incident_version WHERE number > ? ORDER BY number LIMIT ?",
      {*told, limit}, [&](const base::SqliteRow& row) {
        take(row);
        news.upto = static_cast<uint64_t>(row.Integer(2));
      }));
  return news;
}

base::Status Incidents::NoteTold(const std::string& listener, uint64_t upto) {
  std::lock_guard lock(*mutex_);
  return file_->Transaction([&]() -> base::Status {
    RETURN_IF_ERROR(
        file_->Run("INSERT OR REPLACE INTO listener(name, told) VALUES(?, ?)", {listener, static_cast<int64_t>(upto)}));
    return file_->Run("DELETE FROM incident_version WHERE number <= (SELECT MIN(IFNULL(told, 0)) FROM listener)", {});
  });
}

base::Status Incidents::SetListeners(const std::vector<std::string>& names) {
  std::lock_guard lock(*mutex_);
  return file_->Transaction([&]() -> base::Status {
    RETURN_IF_ERROR(file_->Execute("CREATE TEMP TABLE listening(name TEXT PRIMARY KEY)"));
    for (const std::string& name : names) {
      RETURN_IF_ERROR(file_->Run("INSERT OR IGNORE INTO listening VALUES(?)", {name}));
    }
    RETURN_IF_ERROR(file_->Execute("DELETE FROM listener WHERE name NOT IN (SELECT name FROM listening)"));
    RETURN_IF_ERROR(file_->Execute("INSERT OR IGNORE INTO listener(name) SELECT name FROM listening"));
    RETURN_IF_ERROR(file_->Execute("DROP TABLE listening"));
    return file_->Execute("DELETE FROM incident_version WHERE NOT EXISTS(SELECT 1 FROM listener)");
  });
}

base::Result<std::string> Incidents::EvidenceOf(const std::string& id) const {
  std::lock_guard lock(*mutex_);
  ASSIGN_OR_RETURN(auto json, file_->First("SELECT json FROM evidence WHERE incident = ?", {id},
                                           [](const base::SqliteRow& row) { return row.Bytes(0); }));
  return json.value_or("");
}

base::Status Incidents::SaveEvidence(const std::string& id, const std::string& job, const std::string& json) {
  std::lock_guard lock(*mutex_);
  return file_->Transaction([&]() -> base::Status {
    RETURN_IF_ERROR(file_->Run("UPDATE incident SET has_evidence = 1 WHERE id = ?", {id}));
    return file_->Run("INSERT OR REPLACE INTO evidence SELECT id, ?2, ?3 FROM incident WHERE id = ?1", {id, job, json});
  });
}

base::Result<std::vector<IncidentRow>> Incidents::WithoutEvidence(int64_t limit) const {
  std::lock_guard lock(*mutex_);
  return file_->All(std::string("SELECT ") + kColumns + " FROM incident WHERE has_evidence = 0 ORDER BY place LIMIT ?",
                    {limit}, RowFrom);
}

// Findings of one that was superseded are the other's.
base::Status Incidents::Write(const std::vector<IncidentRow>& rows) {
  for (const IncidentRow& row : rows) {
    RETURN_IF_ERROR(file_->Run("UPDATE change_counter SET value = value + 1", {}));
    RETURN_IF_ERROR(file_->Run(
        "INSERT INTO incident(id, job, state, decision, severity, rule, class, superseded_by, json, started, "
        "acknowledged_until, rank_hours, change) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "(SELECT value FROM change_counter)) "
        "ON CONFLICT(id) DO UPDATE SET state = excluded.state, decision = excluded.decision, "
        "severity = excluded.severity, rule = excluded.rule, class = excluded.class, "
        "superseded_by = excluded.superseded_by, json = excluded.json, started = excluded.started, "
        "acknowledged_until = excluded.acknowledged_until, rank_hours = excluded.rank_hours, change = excluded.change",
        {row.id, row.job, row.state, row.decision, row.severity, row.rule, row.incident_class, row.superseded_by,
         row.json, row.started, row.acknowledged_until, row.rank_hours}));
    if (row.superseded_by.empty()) continue;
    RETURN_IF_ERROR(file_->Run("UPDATE finding SET incident = ?1 WHERE incident = ?2 AND job = ?3",
                               {row.superseded_by, row.id, row.job}));
  }
  return {};
}

base::Status Incidents::WriteVersions(const std::vector<IncidentRow>& versions) {
  for (const IncidentRow& version : versions) {
    RETURN_IF_ERROR(
        file_->Run("INSERT INTO incident_version(job, json) SELECT ?1, ?2 WHERE EXISTS(SELECT 1 FROM listener)",
                   {version.job, version.json}));
  }
  return {};
}

base::Status Incidents::DeleteJob(const std::string& job) {
  RETURN_IF_ERROR(file_->Run("DELETE FROM incident WHERE job = ?", {job}));
  return file_->Run("DELETE FROM evidence WHERE job = ?", {job});
}

base::Status Incidents::ReadMarks(std::map<std::string, std::string>* marks) const {
  return file_->Each(
      "SELECT job, MAX(decision = 'confirmed') FROM incident "
      "WHERE severity <> 'INFO' AND decision <> 'dismissed' AND superseded_by = '' GROUP BY job",
      {}, [marks](const base::SqliteRow& row) { AddMark(row.Bytes(0), row.Integer(1) != 0, marks); });
}

}  // namespace rankscope::catalog
