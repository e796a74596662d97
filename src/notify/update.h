#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

namespace rankscope::notify {

enum class Severity : uint8_t { kInfo, kWarning, kCritical };

// What happened to an incident, or in a job's life. Of a job's life, `stalled` is open until the next word of that job.
enum class Kind : uint8_t { kFiring, kResolved, kSuperseded, kAcknowledged, kStarted, kFinished, kFailed, kStalled };

std::string_view NameOf(Severity severity);  // info, warning, critical
std::string_view NameOf(Kind kind);          // firing, resolved, …
// Whether the trouble goes on, so that who was told of it has to be told of its end.
bool IsOpen(Kind kind);
bool IsLife(Kind kind);
// Whether receivers that know only firing and resolved are to take it for firing: what is open, and a job that has
// failed, although nothing follows that ends it.
bool IsTrouble(Kind kind);
// When one that is trouble is over where nothing more is said of it, told at that time. 0: never.
base::TimeNs LapsesAt(Kind kind, base::TimeNs told);

using Labels = std::map<std::string, std::string>;

// Who looks after an incident, and how bad it was when they took it (which the planner fills in).
struct Acknowledgement {
  std::string by, note;
  base::TimeNs until = 0;  // 0: while it is open and gets no worse
  Severity severity = Severity::kInfo;
  int64_t rank_count = 0;
  std::vector<int32_t> nodes;

  bool operator==(const Acknowledgement&) const = default;
};

// The state of an incident, or of a job's life, as people are to hear of it: rendered once, by whoever made it. A
// later update of the same incident has a larger version; the first is 1 or more.
struct Update {
  std::string incident;
  uint64_t version = 0;
  Kind kind = Kind::kFiring;
  std::string subject;  // what stays the same when the trouble comes back as another incident; empty: the incident
  std::string project, job;
  Severity severity = Severity::kWarning;
  std::string incident_class;
  Labels labels;
  std::string ranks;  // a set, as 0-7,371
  int64_t rank_count = 0, world_size = 0;
  std::vector<int32_t> nodes;   // sorted
  std::optional<int64_t> step;  // since which
  base::TimeNs started = 0;
  base::TimeNs ended = 0;  // of one that is not open
  std::string title;
  std::vector<std::string> text;
  std::string evidence;  // the first line
  std::optional<double> probability;
  std::string link;
  std::string superseded_by;
  std::optional<Acknowledgement> acknowledgement;
  std::string not_to;                // a channel that cannot be told, as it is what this is about
  std::vector<std::string> also_to;  // channels to be told whatever the routes say, of those that there are

  bool operator==(const Update&) const = default;
};

// What matchers and group_by see: the update's labels, and project, job, severity, class, alertname (the class, unless
// it is among the labels) and event (incident, started, finished, failed, stalled).
Labels LabelsOf(const Update& update);

// Cuts every text to what a message can use, on a UTF-8 border: an update is a few KB at most.
void Trim(Update* update);

// Whether the acknowledgement still holds for what the incident has become: it ends with `until`, when the severity
// rises, when the ranks are more than twice as many, and with a node that was not in it.
bool StillAcknowledged(const Acknowledgement& acknowledgement, const Update& update, base::TimeNs now);

// The bytes in which an update is kept, and back; kCorrupt: they are none of ours.
std::string Encode(const Update& update);
base::Result<Update> Decode(std::string_view bytes);

}  // namespace rankscope::notify
