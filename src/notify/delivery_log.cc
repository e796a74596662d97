#include "notify/delivery_log.h"

#include <algorithm>
#include <map>

#include "base/coding.h"

namespace rankscope::notify {
namespace {

constexpr int64_t kFormatVersion = 4;
constexpr char kLost[] = "what was told so far and all silences are then forgotten";

std::string EncodeSilence(const Silence& silence) {
  std::string out;
  base::PutSigned(&out, silence.starts);
  base::PutSigned(&out, silence.ends);
  base::PutString(&out, silence.by);
  base::PutString(&out, silence.reason);
  base::PutVarint(&out, silence.matchers.size());
  for (const std::string& matcher : silence.matchers) base::PutString(&out, matcher);
  base::PutString(&out, silence.project);
  return out;
}

base::Result<Silence> DecodeSilence(std::string id, std::string_view bytes) {
  base::ByteReader reader(bytes);
  Silence silence;
  silence.id = std::move(id);
  silence.starts = reader.Signed();
  silence.ends = reader.Signed();
  silence.by = reader.String();
  silence.reason = reader.String();
  for (uint64_t left = reader.Varint(); left > 0 && reader.ok(); --left) silence.matchers.emplace_back(reader.String());
  if (!reader.empty()) silence.project = reader.String();  // version 1 had none
  if (!reader.ok()) return base::Status::Corrupt("the silence " + silence.id + " is damaged");
  return silence;
}

// ON CONFLICT: a repetition takes the place of what it repeats, and nothing else does.
constexpr const char* kInsertTold =
    "INSERT INTO told(incident, version, channel, open, at, round, overflow, delivery, kind, project, job, title) "
    "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET at = excluded.at, round = excluded.round, delivery = excluded.delivery "
    "WHERE excluded.round > round";

// A file of version 1 …
constexpr const char* kTables[] = {
    "CREATE TABLE incident(id TEXT PRIMARY KEY, version INTEGER NOT NULL, taken INTEGER NOT NULL, body BLOB, "
    "closed INTEGER) WITHOUT ROWID",
    "CREATE TABLE told(incident TEXT, version INTEGER, channel TEXT, open INTEGER NOT NULL, at INTEGER NOT NULL, "
    "round INTEGER NOT NULL, overflow INTEGER NOT NULL, delivery TEXT NOT NULL, "
    "PRIMARY KEY(incident, version, channel)) WITHOUT ROWID",
    "CREATE TABLE delivery(number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, channel TEXT NOT NULL, made "
    "INTEGER "
    "NOT NULL, incidents BLOB NOT NULL, body BLOB, state INTEGER NOT NULL, ended INTEGER, why TEXT)",
    "CREATE INDEX delivery_state ON delivery(state, made)",
    "CREATE TABLE silence(id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID"};
// … and what a later one has beside that.
constexpr const char* kUpgradeTo2[] = {"ALTER TABLE told ADD COLUMN kind INTEGER NOT NULL DEFAULT 0",
                                       "ALTER TABLE told ADD COLUMN project TEXT NOT NULL DEFAULT ''",
                                       "ALTER TABLE told ADD COLUMN job TEXT NOT NULL DEFAULT ''",
                                       "ALTER TABLE told ADD COLUMN title TEXT NOT NULL DEFAULT ''",
                                       "CREATE INDEX told_at ON told(project, at)",
                                       "CREATE TABLE about(began INTEGER NOT NULL)",
                                       "PRAGMA user_version = 2"};
constexpr const char* kUpgradeTo3[] = {
    "CREATE TABLE failing(channel TEXT PRIMARY KEY, since INTEGER NOT NULL, why TEXT NOT NULL) WITHOUT ROWID",
    "PRAGMA user_version = 3"};
// The end of an incident that was told by version 1 stands as the default of `kind`, which is firing.
constexpr const char* kUpgradeTo4[] = {"UPDATE told SET kind = 1 WHERE kind = 0 AND open = 0",  // resolved, not firing
                                       "PRAGMA user_version = 4"};

constexpr const char* kSelectTellings =
    "SELECT told.at, told.channel, told.incident, told.version, told.kind, told.project, told.job, told.title, "
    "told.round, told.delivery, delivery.state, delivery.ended, delivery.why "
    "FROM told JOIN delivery ON delivery.id = told.delivery "
    "WHERE (?1 = '' OR told.project = ?1) AND (?2 = '' OR told.channel = ?2) AND (?3 = '' OR told.job = ?3) "
    "AND (?4 = '' OR told.incident = ?4) ORDER BY told.at DESC, told.channel, told.incident LIMIT ?5";

Telling TellingOf(const base::SqliteRow& row) {
  Telling telling;
  telling.at = row.Integer(0);
  telling.channel = row.Bytes(1);
  telling.incident = row.Bytes(2);
  telling.version = static_cast<uint64_t>(row.Integer(3));
  telling.kind = static_cast<Kind>(row.Integer(4));
  telling.project = row.Bytes(5);
  telling.job = row.Bytes(6);
  telling.title = row.Bytes(7);
  telling.round = static_cast<uint32_t>(row.Integer(8));
  telling.delivery = row.Bytes(9);
  telling.state = static_cast<DeliveryState>(row.Integer(10));
  telling.ended = row.Integer(11);
  telling.why = row.Bytes(12);
  return telling;
}

// How far it has come.
int PlaceOf(DeliveryState state) {
  if (state == DeliveryState::kDelivered) return 2;
  return state == DeliveryState::kPending ? 1 : 0;
}

}  // namespace

const Telling* FurthestOf(const std::vector<Telling>& tellings) {
  auto furthest = std::max_element(tellings.begin(), tellings.end(), [](const Telling& one, const Telling& other) {
    return PlaceOf(one.state) < PlaceOf(other.state);
  });
  return furthest == tellings.end() ? nullptr : &*furthest;
}

base::Result<std::unique_ptr<DeliveryLog>> DeliveryLog::Open(const std::string& path) {
  ASSIGN_OR_RETURN(auto file, base::Sqlite::Open(path, {kLost}));
  std::unique_ptr<DeliveryLog> log(new DeliveryLog(std::move(file)));
  ASSIGN_OR_RETURN(auto known,
                   log->file_->First("PRAGMA user_version", {}, [](const auto& row) { return row.Integer(0); }));
  const int64_t version = known.value_or(0);
  if (version < kFormatVersion) RETURN_IF_ERROR(log->file_->Transaction([&] { return log->Upgrade(version); }));
  if (version > kFormatVersion) {
    return base::Status::Corrupt(path + " is of version " + std::to_string(version) +
                                 ", which this program does not know");
  }
  return log;
}

base::Status DeliveryLog::Upgrade(int64_t from_version) {
  for (const char* sql : kTables) {
    if (from_version < 1) RETURN_IF_ERROR(file_->Execute(sql));
  }
  if (from_version < 2) {
    for (const char* sql : kUpgradeTo2) RETURN_IF_ERROR(file_->Execute(sql));
    RETURN_IF_ERROR(file_->Run("INSERT INTO about(began) VALUES(?)", {base::WallNow()}));
  }
  for (const char* sql : kUpgradeTo3) {
    if (from_version < 3) RETURN_IF_ERROR(file_->Execute(sql));
  }
  for (const char* sql : kUpgradeTo4) RETURN_IF_ERROR(file_->Execute(sql));
  return {};
}

base::Status DeliveryLog::Keep(std::span<const Update> updates, base::TimeNs now) {
  return file_->Transaction([&]() -> base::Status {
    for (const Update& update : updates) {
      std::string body = Encode(update);
      RETURN_IF_ERROR(
          file_->Run("INSERT INTO incident(id, version, taken, body) VALUES(?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                     "version = excluded.version, body = excluded.body, closed = NULL, "
                     "taken = CASE WHEN closed IS NULL THEN taken ELSE excluded.taken END",
                     {update.incident, static_cast<int64_t>(update.version), now, body}));
    }
    return {};
  });
}

base::Result<uint64_t> DeliveryLog::VersionOf(const std::string& incident) {
  ASSIGN_OR_RETURN(auto version, file_->First("SELECT version FROM incident WHERE id = ?", {incident},
                                              [](const auto& row) { return static_cast<uint64_t>(row.Integer(0)); }));
  return version.value_or(0);
}

base::Status DeliveryLog::Record(std::span<const Message> messages, std::span<const Delivery> deliveries) {
  return file_->Transaction([&]() -> base::Status {
    for (size_t i = 0; i < messages.size(); ++i) RETURN_IF_ERROR(RecordOne(messages[i], deliveries[i]));
    return {};
  });
}

base::Status DeliveryLog::RecordOne(const Message& message, const Delivery& delivery) {
  std::string incidents;
  for (const std::string& incident : delivery.incidents) base::PutString(&incidents, incident);
  RETURN_IF_ERROR(file_->Run("INSERT INTO delivery(id, channel, made, incidents, body, state) VALUES(?, ?, ?, ?, ?, 0)",
                             {delivery.id, delivery.channel, delivery.made, incidents, delivery.body}));
  for (const Entry& entry : message.entries) {
    const Update& update = *entry.update;
    RETURN_IF_ERROR(file_->Run(
        kInsertTold, {update.incident, static_cast<int64_t>(update.version), message.channel,
                      int64_t{IsOpen(update.kind)}, message.at, int64_t{entry.round}, int64_t{entry.overflow},
                      delivery.id, static_cast<int64_t>(update.kind), update.project, update.job, update.title}));
    if (file_->changed_rows() != 1) {
      return base::Status::Internal("channel " + message.channel + " was told of incident " + update.incident +
                                    ", version " + std::to_string(update.version) + ", before");
    }
  }
  return {};
}

base::Status DeliveryLog::End(const std::string& delivery, DeliveryState state, const std::string& why,
                              base::TimeNs now) {
  return file_->Run("UPDATE delivery SET state = ?, why = ?, ended = ? WHERE id = ?",
                    {static_cast<int64_t>(state), why, now, delivery});
}

base::Status DeliveryLog::Close(std::span<const std::string> incidents, base::TimeNs now) {
  return file_->Transaction([&]() -> base::Status {
    for (const std::string& id : incidents) {
      RETURN_IF_ERROR(file_->Run("UPDATE incident SET body = NULL, closed = ? WHERE id = ?", {now, id}));
    }
    return {};
  });
}

base::Status DeliveryLog::Prune(base::TimeNs before) {
  return file_->Transaction([&]() -> base::Status {
    RETURN_IF_ERROR(file_->Run("DELETE FROM delivery WHERE state <> 0 AND ended < ?", {before}));
    RETURN_IF_ERROR(
        file_->Run("DELETE FROM told WHERE incident IN (SELECT id FROM incident WHERE closed < ?)", {before}));
    return file_->Run("DELETE FROM incident WHERE closed < ?", {before});
  });
}

base::Result<std::vector<Telling>> DeliveryLog::Tellings(const TellingFilter& filter) {
  return file_->All(kSelectTellings, {filter.project, filter.channel, filter.job, filter.incident, filter.limit},
                    TellingOf);
}

base::Result<base::TimeNs> DeliveryLog::Began() {
  ASSIGN_OR_RETURN(auto began,
                   file_->First("SELECT began FROM about", {}, [](const auto& row) { return row.Integer(0); }));
  return began.value_or(0);
}

base::Status DeliveryLog::NoteFailing(const std::string& channel, const Failing& failing) {
  if (failing.since == 0) return file_->Run("DELETE FROM failing WHERE channel = ?", {channel});
  return file_->Run("INSERT OR REPLACE INTO failing VALUES(?, ?, ?)", {channel, failing.since, failing.why});
}

base::Status DeliveryLog::Put(const Silence& silence) {
  std::string body = EncodeSilence(silence);
  return file_->Run("INSERT OR REPLACE INTO silence VALUES(?, ?)", {silence.id, body});
}

base::Status DeliveryLog::RemoveSilence(const std::string& id) {
  return file_->Run("DELETE FROM silence WHERE id = ?", {id});
}

base::Result<DeliveryLog::Kept> DeliveryLog::Load(base::TimeNs since) {
  Kept kept;
  RETURN_IF_ERROR(LoadIncidents(&kept));
  RETURN_IF_ERROR(LoadDeliveries(since, &kept));
  RETURN_IF_ERROR(LoadSilences(&kept));
  RETURN_IF_ERROR(LoadFailing(&kept));
  return kept;
}

base::Status DeliveryLog::LoadIncidents(Kept* kept) {
  std::map<std::string, KnownIncident> incidents;
  base::Status status;
  RETURN_IF_ERROR(file_->Each("SELECT id, taken, body FROM incident WHERE closed IS NULL", {}, [&](const auto& row) {
    auto update = Decode(row.Bytes(2));
    if (!update.ok()) {
      status = update.status().WithContext("incident " + row.Bytes(0));
      return;
    }
    KnownIncident& incident = incidents[row.Bytes(0)];
    incident.taken = row.Integer(1);
    incident.update = std::make_shared<const Update>(*std::move(update));
  }));
  RETURN_IF_ERROR(status);
  RETURN_IF_ERROR(file_->Each(
      "SELECT incident, told.version, channel, told.open, at, round, overflow FROM told JOIN incident ON incident = id "
      "WHERE closed IS NULL",
      {}, [&](const auto& row) {
        auto incident = incidents.find(row.Bytes(0));
        if (incident == incidents.end()) return;
        Told& told = incident->second.told[row.Bytes(2)];
        auto version = static_cast<uint64_t>(row.Integer(1));
        if (version < told.version) return;
        told = {version, row.Integer(3) != 0, row.Integer(4), static_cast<uint32_t>(row.Integer(5)),
                row.Integer(6) != 0};
      }));
  for (auto& [id, incident] : incidents) kept->incidents.push_back(std::move(incident));
  return {};
}

base::Status DeliveryLog::LoadDeliveries(base::TimeNs since, Kept* kept) {
  RETURN_IF_ERROR(file_->Each("SELECT id, channel, made, incidents, body FROM delivery WHERE state = 0 ORDER BY number",
                              {}, [&](const auto& row) {
                                Delivery delivery{row.Bytes(0), row.Bytes(1), row.Bytes(4), row.Integer(2), {}};
                                std::string incidents = row.Bytes(3);
                                for (base::ByteReader reader(incidents); !reader.empty();)
                                  delivery.incidents.emplace_back(reader.String());
                                kept->pending.push_back(std::move(delivery));
                              }));
  return file_->Each("SELECT channel, made FROM delivery WHERE made > ? ORDER BY made", {since},
                     [&](const auto& row) { kept->recent.emplace_back(row.Bytes(0), row.Integer(1)); });
}

base::Status DeliveryLog::LoadFailing(Kept* kept) {
  return file_->Each("SELECT channel, since, why FROM failing", {}, [&](const auto& row) {
    kept->failing[row.Bytes(0)] = {row.Integer(1), row.Bytes(2)};
  });
}

base::Status DeliveryLog::LoadSilences(Kept* kept) {
  base::Status status;
  RETURN_IF_ERROR(file_->Each("SELECT id, body FROM silence", {}, [&](const auto& row) {
    auto silence = DecodeSilence(row.Bytes(0), row.Bytes(1));
    if (!silence.ok()) {
      status = silence.status();
      return;
    }
    kept->silences.push_back(*std::move(silence));
  }));
  return status;
}

}  // namespace rankscope::notify
