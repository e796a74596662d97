#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/sqlite.h"
#include "notify/known_incident.h"
#include "notify/message.h"

namespace rankscope::notify {

// A message as it is sent: the bytes are made once and never again.
struct Delivery {
  std::string id, channel, body;
  base::TimeNs made = 0;
  std::vector<std::string> incidents;  // that it tells of
};

enum class DeliveryState : uint8_t { kPending, kDelivered, kRefused, kExpired };

// One word to one channel, for those who ask what was told where.
struct Telling {
  base::TimeNs at = 0;
  std::string channel, incident;
  uint64_t version = 0;
  Kind kind = Kind::kFiring;
  std::string project, job, title;
  uint32_t round = 0;    // how often it was told before
  std::string delivery;  // the id of the message
  DeliveryState state = DeliveryState::kPending;
  base::TimeNs ended = 0;  // 0: it has not arrived yet
  std::string why;         // what the other end said
};

// The one that has come furthest: delivered, else still on its way, else the first of the others. Null: there are none.
const Telling* FurthestOf(const std::vector<Telling>& tellings);

// Empty: all.
struct TellingFilter {
  std::string project = {}, channel = {}, job = {}, incident = {};
  int64_t limit = -1;  // so many of the newest; negative: no limit
};

// What was to be told, to whom, in which words, and whether it arrived: a file of SQLite (docs/design/notify.md).
// What a function wrote is on the disk when it returns. One thread at a time.
class DeliveryLog {
 public:
  // kCorrupt: the file is damaged, or of a version that is not known.
  static base::Result<std::unique_ptr<DeliveryLog>> Open(const std::string& path);

  // The state of these incidents; all or none.
  base::Status Keep(std::span<const Update> updates, base::TimeNs now);
  // The last version kept of the incident, also of one that is closed; 0: none.
  base::Result<uint64_t> VersionOf(const std::string& incident);
  // That these messages are to be sent, with their bytes; all or none. An error also where a channel was told of one
  // of these versions before, and it is no repetition: no state is told twice in two messages.
  base::Status Record(std::span<const Message> messages, std::span<const Delivery> deliveries);
  base::Status End(const std::string& delivery, DeliveryState state, const std::string& why, base::TimeNs now);
  // Nobody will hear of these incidents any more.
  base::Status Close(std::span<const std::string> incidents, base::TimeNs now);
  // Forgets what ended before.
  base::Status Prune(base::TimeNs before);

  // Newest first.
  base::Result<std::vector<Telling>> Tellings(const TellingFilter& filter);
  // When the file was made: nobody was told anything before.
  base::Result<base::TimeNs> Began();

  // Since when the channel has not worked, and why; since 0: it does.
  struct Failing {
    base::TimeNs since = 0;
    std::string why;
  };
  base::Status NoteFailing(const std::string& channel, const Failing& failing);

  base::Status Put(const Silence& silence);
  base::Status RemoveSilence(const std::string& id);

  struct Kept {
    std::vector<KnownIncident> incidents;  // that are not closed
    std::vector<Delivery> pending;         // in the order in which they were made
    std::vector<Silence> silences;
    std::vector<std::pair<std::string, base::TimeNs>> recent;  // channels and times of messages since `since`
    std::map<std::string, Failing> failing;                    // channels that do not work
  };
  base::Result<Kept> Load(base::TimeNs since);

 private:
  explicit DeliveryLog(std::unique_ptr<base::Sqlite> file) : file_(std::move(file)) {}
  base::Status Upgrade(int64_t from_version);
  base::Status RecordOne(const Message& message, const Delivery& delivery);
  base::Status LoadIncidents(Kept* kept);
  base::Status LoadDeliveries(base::TimeNs since, Kept* kept);
  base::Status LoadSilences(Kept* kept);
  base::Status LoadFailing(Kept* kept);

  std::unique_ptr<base::Sqlite> file_;
};

}  // namespace rankscope::notify
