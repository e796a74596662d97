#include "catalog/findings.h"

#include "base/file.h"
#include "catalog/sqlite_file.h"
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

void BindRank(sqlite3_stmt* statement, int index, const std::optional<int32_t>& rank) {
  rank ? Bind(statement, index, static_cast<int64_t>(*rank)) : BindNull(statement, index);
}

std::optional<int32_t> RankColumn(sqlite3_stmt* statement, int index) {
  if (IsNull(statement, index)) return std::nullopt;
  return static_cast<int32_t>(IntegerColumn(statement, index));
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

FindingRow RowFrom(sqlite3_stmt* statement) {
  FindingRow row;
  row.id = Column(statement, 0);
  row.job = Column(statement, 1);
  row.rule = Column(statement, 2);
  row.finding_class = Column(statement, 3);
  row.severity = Column(statement, 4);
  row.attempt = static_cast<int32_t>(IntegerColumn(statement, 5));
  row.node_rank = RankColumn(statement, 6);
  row.rank = RankColumn(statement, 7);
  row.active = IntegerColumn(statement, 8) != 0;
  row.began = IntegerColumn(statement, 9);
  row.json = Column(statement, 10);
  row.decision = {Column(statement, 11), Column(statement, 12), Column(statement, 13), IntegerColumn(statement, 14)};
  row.incident = Column(statement, 15);
  row.state = Column(statement, 16);
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

Findings::Findings(std::unique_ptr<SqliteFile> file, std::string project)
    : project_(std::move(project)),
      file_(std::move(file)),
      incidents_(file_.get(), &mutex_),
      wanted_actions_(file_.get(), &mutex_) {}
Findings::~Findings() = default;

base::Result<std::unique_ptr<Findings>> Findings::Open(const std::string& folder, const std::string& project) {
  RETURN_IF_ERROR(base::MakeDirectories(folder));
  ASSIGN_OR_RETURN(auto file, SqliteFile::Open(folder + "/findings.sqlite",
                                               "findings so far and what was decided about them are then gone"));
  std::unique_ptr<Findings> findings(new Findings(std::move(file), project));
  RETURN_IF_ERROR(findings->CreateTables());
  RETURN_IF_ERROR(findings->Load());
  return findings;
}

base::Status Findings::CreateTables() {
  for (const char* sql : kTables) RETURN_IF_ERROR(file_->Execute(sql));
  Statement has_incidents = file_->Prepare(kHasIncidents);
  if (!has_incidents) return file_->Error("cannot read");
  bool has = Step(has_incidents.get());
  has_incidents.reset();
  if (!has) RETURN_IF_ERROR(file_->Execute(kAddIncidents));
  RETURN_IF_ERROR(file_->Execute(kIncidentIndex));
  RETURN_IF_ERROR(wanted_actions_.CreateTables());
  return incidents_.CreateTables();
}

base::Status Findings::Load() {
  Statement counters = file_->Prepare("SELECT id, value FROM counter");
  if (!counters) return file_->Error("cannot read");
  while (Step(counters.get())) {
    auto value = static_cast<uint64_t>(IntegerColumn(counters.get(), 1));
    if (IntegerColumn(counters.get(), 0) == kPosition) position_ = value;
    if (IntegerColumn(counters.get(), 0) == kLastNumber) last_number_ = value;
  }
  return {};
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
  base::Status status = file_->Transact([&] { return Write(changes); });
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
  Statement written = file_->Prepare("DELETE FROM event WHERE number <= ?");
  if (!written) return file_->Error("cannot write");
  Bind(written.get(), 1, static_cast<int64_t>(changes.written));
  return Run(written.get()) ? base::Status() : file_->Error("cannot write");
}

base::Status Findings::WriteFindings(const std::vector<FindingRow>& rows) {
  Statement insert = file_->Prepare(
      "INSERT INTO finding(id, job, rule, class, severity, json, incident, attempt, node_rank, rank, active, began) "
      "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT(id) DO UPDATE SET json = excluded.json, active = excluded.active, "
      "incident = CASE excluded.incident WHEN '' THEN incident ELSE excluded.incident END");
  if (!insert) return file_->Error("cannot write");
  for (const FindingRow& row : rows) {
    Bind(insert.get(), 8, static_cast<int64_t>(row.attempt));
    BindRank(insert.get(), 9, row.node_rank);
    BindRank(insert.get(), 10, row.rank);
    Bind(insert.get(), 11, static_cast<int64_t>(row.active));
    Bind(insert.get(), 12, row.began);
    bool written =
        Run(insert.get(), {row.id, row.job, row.rule, row.finding_class, row.severity, row.json, row.incident});
    if (!written) return file_->Error("cannot write");
  }
  return {};
}

base::Status Findings::WriteEvents(const std::vector<model::Record>& events) {
  Statement insert = file_->Prepare("INSERT INTO event(number, record) VALUES(?, ?)");
  if (!insert) return file_->Error("cannot write");
  for (model::Record event : events) {
    event.seq = ++last_number_;
    std::string bytes;
    model::EncodeRecords({event}, &bytes);
    Bind(insert.get(), 1, static_cast<int64_t>(event.seq));
    BindBlob(insert.get(), 2, bytes);
    if (!Run(insert.get())) return file_->Error("cannot write");
  }
  return SetCounter(kLastNumber, last_number_);
}

base::Status Findings::SetCounter(int id, uint64_t value) {
  Statement set = file_->Prepare("INSERT OR REPLACE INTO counter VALUES(?, ?)");
  if (!set) return file_->Error("cannot write");
  Bind(set.get(), 1, static_cast<int64_t>(id));
  Bind(set.get(), 2, static_cast<int64_t>(value));
  return Run(set.get()) ? base::Status() : file_->Error("cannot write");
}

bool Findings::Has(const std::string& id) const {
  std::lock_guard lock(mutex_);
  Statement select = file_->Prepare("SELECT 1 FROM finding WHERE id = ?");
  if (!select) return false;
  Bind(select.get(), 1, id);
  return Step(select.get());
}

base::Result<std::vector<FindingRow>> Findings::List(const FindingFilter& filter) const {
  std::lock_guard lock(mutex_);
  const std::pair<const char*, const std::string*> terms[] = {
      {"finding.job", &filter.job},           {kStanding, &filter.state},
      {"finding.rule", &filter.rule},         {"finding.class", &filter.finding_class},
      {"finding.severity", &filter.severity}, {"finding.incident", &filter.incident}};
  std::string sql = SelectFindings() + " WHERE 1";
  for (const auto& [column, value] : terms) {
    if (!value->empty()) sql += std::string(" AND ") + column + " = ?";
  }
  if (filter.active) sql += *filter.active ? " AND active" : " AND NOT active";
  sql += " ORDER BY finding.place DESC LIMIT " + std::to_string(filter.limit);
  Statement select = file_->Prepare(sql.c_str());
  if (!select) return file_->Error("cannot read");
  int index = 0;
  for (const auto& [column, value] : terms) {
    if (!value->empty()) Bind(select.get(), ++index, *value);
  }
  std::vector<FindingRow> rows;
  while (Step(select.get())) rows.push_back(RowFrom(select.get()));
  return rows;
}

base::Result<FindingRow> Findings::Decide(const std::string& id, const Decision& decision) {
  std::lock_guard lock(mutex_);
  Statement select = file_->Prepare((SelectFindings() + " WHERE finding.id = ?").c_str());
  if (!select) return file_->Error("cannot read");
  Bind(select.get(), 1, id);
  if (!Step(select.get())) return base::Status::NotFound("no finding \"" + id + "\"");
  FindingRow row = RowFrom(select.get());
  select.reset();
  row.decision = decision;
  row.state = decision.state;
  uint64_t before = last_number_;
  base::Status status = file_->Transact([&]() -> base::Status {
    Statement update = file_->Prepare("UPDATE finding SET state = ?, by = ?, note = ?, at = ? WHERE id = ?");
    if (!update) return file_->Error("cannot write");
    Bind(update.get(), 4, decision.at);
    Bind(update.get(), 5, id);
    if (!Run(update.get(), {decision.state, decision.by, decision.note})) return file_->Error("cannot write");
    return WriteEvents({DecisionEvent(project_, row)});
  });
  if (status.ok()) return row;
  last_number_ = before;
  return status;
}

base::Result<std::map<std::string, std::string>> Findings::Marks() const {
  std::lock_guard lock(mutex_);
  Statement apart = file_->Prepare(
      "SELECT job, MAX(state = 'confirmed') FROM finding WHERE incident = '' AND severity <> 'INFO' "
      "AND state <> 'dismissed' GROUP BY job");
  if (!apart) return file_->Error("cannot read");
  std::map<std::string, std::string> marks;
  while (Step(apart.get())) AddMark(Column(apart.get(), 0), IntegerColumn(apart.get(), 1) != 0, &marks);
  RETURN_IF_ERROR(incidents_.ReadMarks(&marks));
  return marks;
}

base::Status Findings::DeleteJob(const std::string& job) {
  std::lock_guard lock(mutex_);
  return file_->Transact([&]() -> base::Status {
    Statement remove = file_->Prepare("DELETE FROM finding WHERE job = ?");
    if (!Run(remove.get(), {job})) return file_->Error("cannot delete");
    RETURN_IF_ERROR(wanted_actions_.DeleteJob(job));
    return incidents_.DeleteJob(job);
  });
}

base::Result<std::vector<model::Record>> Findings::EventsAfter(uint64_t number, size_t limit) const {
  std::lock_guard lock(mutex_);
  Statement select = file_->Prepare("SELECT number, record FROM event WHERE number > ? ORDER BY number LIMIT ?");
  if (!select) return file_->Error("cannot read");
  Bind(select.get(), 1, static_cast<int64_t>(number));
  Bind(select.get(), 2, static_cast<int64_t>(limit));
  std::vector<model::Record> events;
  while (Step(select.get())) {
    ASSIGN_OR_RETURN(auto records, model::DecodeRecords(BlobColumn(select.get(), 1)));
    events.insert(events.end(), records.begin(), records.end());
  }
  return events;
}

}  // namespace rankscope::catalog
