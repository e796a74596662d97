#include "catalog/findings.h"

#include "base/file.h"
#include "model/event.h"
#include "model/record_batch.h"

namespace rankscope::catalog {
namespace {

constexpr int kPosition = 0, kLastNumber = 1;  // of the table `counter`

constexpr const char* kTables[] = {
    "CREATE TABLE IF NOT EXISTS finding(place INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, job TEXT NOT NULL, "
    "rule TEXT NOT NULL, class TEXT NOT NULL, severity TEXT NOT NULL, attempt INTEGER NOT NULL, node_rank INTEGER, "
    "rank INTEGER, active INTEGER NOT NULL, began INTEGER NOT NULL, json TEXT NOT NULL, "
    "state TEXT NOT NULL DEFAULT 'potential', by TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '', "
    "at INTEGER NOT NULL DEFAULT 0, incident TEXT NOT NULL DEFAULT '')",
    "CREATE INDEX IF NOT EXISTS finding_of_job ON finding(job)",
    "CREATE TABLE IF NOT EXISTS event(number INTEGER PRIMARY KEY, record BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS counter(id INTEGER PRIMARY KEY, value INTEGER NOT NULL)"};

std::optional<int32_t> RankColumn(const base::SqliteRow& row, int column) {
  return row.IsNull(column) ? std::nullopt : std::optional(static_cast<int32_t>(row.Integer(column)));
}

// A file that was written before there were incidents.
constexpr char kHasIncidents[] = "SELECT 1 FROM pragma_table_info('finding') WHERE name = 'incident'";
constexpr char kAddIncidents[] = "ALTER TABLE finding ADD COLUMN incident TEXT NOT NULL DEFAULT ''";
constexpr char kIncidentIndex[] = "CREATE INDEX IF NOT EXISTS finding_of_incident ON finding(incident)";

// What is thought of a finding: a decision about itself counts more than one about its incident.
constexpr char kStanding[] =
    "CASE WHEN finding.state <> 'potential' THEN finding.state "
    "WHEN incident.decision IN ('confirmed', 'dismissed') THEN incident.decision "
    "WHEN incident.state = 'resolved' THEN 'resolved' ELSE 'potential' END";

std::string SelectFindings() {
  return std::string(
             "SELECT finding.id, finding.job, finding.rule, finding.class, finding.severity, attempt, node_rank, "
             "rank, active, began, finding.json, finding.state, by, note, at, incident, ") +
         kStanding + " FROM finding LEFT JOIN incident ON incident.id = finding.incident";
}

FindingRow RowFrom(const base::SqliteRow& from) {
  FindingRow row;
  row.id = from.Bytes(0);
  row.job = from.Bytes(1);
  row.rule = from.Bytes(2);
  row.finding_class = from.Bytes(3);
  row.severity = from.Bytes(4);
  row.attempt = static_cast<int32_t>(from.Integer(5));
  row.node_rank = RankColumn(from, 6);
  row.rank = RankColumn(from, 7);
  row.active = from.Integer(8) != 0;
  row.began = from.Integer(9);
  row.json = from.Bytes(10);
  row.decision = {from.Bytes(11), from.Bytes(12), from.Bytes(13), from.Integer(14)};
  row.incident = from.Bytes(15);
  row.state = from.Bytes(16);
  return row;
}

model::Record DecisionEvent(const std::string& project, const FindingRow& row) {
  const Decision& decision = row.decision;
  std::string text = "finding " + row.id + " (" + row.rule + ") was " + decision.state + " by " + decision.by;
  if (!decision.note.empty()) text += ": " + decision.note;
  model::Record event = model::MakeEvent("finding_" + decision.state, decision.at, std::move(text));
  event.origin.project = project;
  event.origin.job = row.job;
  event.origin.attempt = row.attempt;
  event.origin.node_rank = row.node_rank;
  event.origin.rank = row.rank;
  event.level = "info";
  event.fields.emplace_back("finding_id", row.id);
  event.fields.emplace_back("rule", row.rule);
  event.fields.emplace_back("by", decision.by);
  if (!decision.note.empty()) event.fields.emplace_back("note", decision.note);
  return event;
}

}  // namespace

Findings::Findings(std::unique_ptr<base::Sqlite> file, std::string project)
    : project_(std::move(project)),
      file_(std::move(file)),
      incidents_(file_.get(), &mutex_),
      wanted_actions_(file_.get(), &mutex_) {}

base::Result<std::unique_ptr<Findings>> Findings::Open(const std::string& folder, const std::string& project) {
  RETURN_IF_ERROR(base::MakeDirectories(folder));
  ASSIGN_OR_RETURN(auto file,
                   base::Sqlite::Open(folder + "/findings.sqlite",
                                      {"findings so far and what was decided about them are then gone", 1024}));
  std::unique_ptr<Findings> findings(new Findings(std::move(file), project));
  RETURN_IF_ERROR(findings->CreateTables());
  RETURN_IF_ERROR(findings->Load());
  return findings;
}

base::Status Findings::CreateTables() {
  for (const char* sql : kTables) RETURN_IF_ERROR(file_->Execute(sql));
  ASSIGN_OR_RETURN(auto has_incidents, file_->First(kHasIncidents, {}, [](const base::SqliteRow&) { return true; }));
  if (!has_incidents) RETURN_IF_ERROR(file_->Execute(kAddIncidents));
  RETURN_IF_ERROR(file_->Execute(kIncidentIndex));
  RETURN_IF_ERROR(wanted_actions_.CreateTables());
  return incidents_.CreateTables();
}

base::Status Findings::Load() {
  return file_->Each("SELECT id, value FROM counter", {}, [this](const base::SqliteRow& row) {
    auto value = static_cast<uint64_t>(row.Integer(1));
    if (row.Integer(0) == kPosition) position_ = value;
    if (row.Integer(0) == kLastNumber) last_number_ = value;
  });
}

std::optional<uint64_t> Findings::position() const {
  std::lock_guard lock(mutex_);
  return position_;
}

uint64_t Findings::last_number() const {
  std::lock_guard lock(mutex_);
  return last_number_;
}

void Findings::SkipNumbers(uint64_t to) {
  std::lock_guard lock(mutex_);
  last_number_ = std::max(last_number_, to);
}

base::Status Findings::Save(const Changes& changes) {
  std::lock_guard lock(mutex_);
  uint64_t before = last_number_;
  base::Status status = file_->Transaction([&] { return Write(changes); });
  if (!status.ok()) {
    last_number_ = before;
  } else if (changes.position) {
    position_ = changes.position;
  }
  return status;
}

base::Status Findings::Write(const Changes& changes) {
  if (!changes.findings.empty()) RETURN_IF_ERROR(WriteFindings(changes.findings));
  if (!changes.incidents.empty()) RETURN_IF_ERROR(incidents_.Write(changes.incidents));
  if (!changes.versions.empty()) RETURN_IF_ERROR(incidents_.WriteVersions(changes.versions));
  if (!changes.events.empty()) RETURN_IF_ERROR(WriteEvents(changes.events));
  if (!changes.actions.empty()) RETURN_IF_ERROR(wanted_actions_.Write(changes.actions));
  if (!changes.concluded.empty()) RETURN_IF_ERROR(wanted_actions_.MarkConcluded(changes.concluded));
  if (changes.let_go) RETURN_IF_ERROR(wanted_actions_.Remove(*changes.let_go));
  if (changes.position) RETURN_IF_ERROR(SetCounter(kPosition, *changes.position));
  if (changes.written == 0) return {};
  return file_->Run("DELETE FROM event WHERE number <= ?", {static_cast<int64_t>(changes.written)});
}

base::Status Findings::WriteFindings(const std::vector<FindingRow>& rows) {
  for (const FindingRow& row : rows) {
    RETURN_IF_ERROR(file_->Run(
        "INSERT INTO finding(id, job, rule, class, severity, json, incident, attempt, node_rank, rank, active, began) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT(id) DO UPDATE SET json = excluded.json, active = excluded.active, "
        "incident = CASE excluded.incident WHEN '' THEN incident ELSE excluded.incident END",
        {row.id, row.job, row.rule, row.finding_class, row.severity, row.json, row.incident, row.attempt,
         base::OrNull(row.node_rank), base::OrNull(row.rank), int64_t{row.active}, row.began}));
  }
  return {};
}

base::Status Findings::WriteEvents(const std::vector<model::Record>& events) {
  for (model::Record event : events) {
    event.seq = ++last_number_;
    std::string bytes;
    model::EncodeRecords({event}, &bytes);
    RETURN_IF_ERROR(
        file_->Run("INSERT INTO event(number, record) VALUES(?, ?)", {static_cast<int64_t>(event.seq), bytes}));
  }
  return SetCounter(kLastNumber, last_number_);
}

base::Status Findings::SetCounter(int id, uint64_t value) {
  return file_->Run("INSERT OR REPLACE INTO counter VALUES(?, ?)", {id, static_cast<int64_t>(value)});
}

bool Findings::Has(const std::string& id) const {
  std::lock_guard lock(mutex_);
  auto has = file_->First("SELECT 1 FROM finding WHERE id = ?", {id}, [](const base::SqliteRow&) { return true; });
  return has.ok() && *has;
}

base::Result<std::vector<FindingRow>> Findings::List(const FindingFilter& filter) const {
  std::lock_guard lock(mutex_);
  const std::pair<const char*, const std::string*> terms[] = {
      {"finding.job", &filter.job},           {kStanding, &filter.state},
      {"finding.rule", &filter.rule},         {"finding.class", &filter.finding_class},
      {"finding.severity", &filter.severity}, {"finding.incident", &filter.incident}};
  std::string sql = SelectFindings() + " WHERE 1";
  std::vector<base::SqliteValue> values;
  for (const auto& [column, value] : terms) {
    if (value->empty()) continue;
    sql += std::string(" AND ") + column + " = ?";
    values.emplace_back(*value);
  }
  if (filter.active) sql += *filter.active ? " AND active" : " AND NOT active";
  sql += " ORDER BY finding.place DESC LIMIT ?";
  values.emplace_back(filter.limit);
  return file_->All(sql, values, RowFrom);
}

base::Result<FindingRow> Findings::Decide(const std::string& id, const Decision& decision) {
  std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(auto found, file_->First(SelectFindings() + " WHERE finding.id = ?", {id}, RowFrom));
  if (!found) return base::Status::NotFound("no finding \"" + id + "\"");
  FindingRow& row = *found;
  row.decision = decision;
  row.state = decision.state;
  uint64_t before = last_number_;
  base::Status status = file_->Transaction([&]() -> base::Status {
    RETURN_IF_ERROR(file_->Run("UPDATE finding SET state = ?, by = ?, note = ?, at = ? WHERE id = ?",
                               {decision.state, decision.by, decision.note, decision.at, id}));
    return WriteEvents({DecisionEvent(project_, row)});
  });
  if (status.ok()) return row;
  last_number_ = before;
  return status;
}

base::Result<std::map<std::string, std::string>> Findings::Marks() const {
  std::lock_guard lock(mutex_);
  std::map<std::string, std::string> marks;
  RETURN_IF_ERROR(
      file_->Each("SELECT job, MAX(state = 'confirmed') FROM finding WHERE incident = '' AND severity <> 'INFO' "
                  "AND state <> 'dismissed' GROUP BY job",
                  {}, [&](const base::SqliteRow& row) { AddMark(row.Bytes(0), row.Integer(1) != 0, &marks); }));
  RETURN_IF_ERROR(incidents_.ReadMarks(&marks));
  return marks;
}

base::Status Findings::DeleteJob(const std::string& job) {
  std::lock_guard lock(mutex_);
  return file_->Transaction([&]() -> base::Status {
    RETURN_IF_ERROR(file_->Run("DELETE FROM finding WHERE job = ?", {job}));
    RETURN_IF_ERROR(wanted_actions_.DeleteJob(job));
    return incidents_.DeleteJob(job);
  });
}

base::Result<std::vector<model::Record>> Findings::EventsAfter(uint64_t number, size_t limit) const {
  std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(auto coded, file_->All("SELECT record FROM event WHERE number > ? ORDER BY number LIMIT ?",
                                          {static_cast<int64_t>(number), static_cast<int64_t>(limit)},
                                          [](const base::SqliteRow& row) { return row.Bytes(0); }));
  std::vector<model::Record> events;
  for (const std::string& bytes : coded) {
    ASSIGN_OR_RETURN(auto records, model::DecodeRecords(bytes));
    events.insert(events.end(), records.begin(), records.end());
  }
  return events;
}

}  // namespace rankscope::catalog
