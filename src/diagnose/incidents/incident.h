#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "detect/finding.h"
#include "diagnose/incidents/number_set.h"

namespace rankscope::diagnose {

// potential → confirmed | dismissed → resolved. Resolved: its trouble is over, or somebody said so, or another incident
// took it over; what people decided about it is still told (Incident::decision).
enum class IncidentState : uint8_t { kPotential, kConfirmed, kDismissed, kResolved };

// In a chain of causes: what began it, what followed of it, and what fell over in the end. A cause inhibits its
// symptoms and cascades: they are members of its incident, and nobody hears of them apart.
enum class ChainRole : uint8_t { kCause, kSymptom, kCascade };

std::string_view NameOf(IncidentState state);  // potential, confirmed, dismissed, resolved
std::string_view NameOf(ChainRole role);       // cause, symptom, cascade
std::optional<IncidentState> ParseIncidentState(std::string_view name);
std::optional<ChainRole> ParseChainRole(std::string_view name);

// What happened to an incident. Each is a version of it, and an event record of its job.
enum class Change : uint8_t {
  kOpened,
  kCauseFound,  // a finding that explains the ones before took over class and title
  kWorsened,    // its severity rose
  kGrown,       // twice as many ranks as when it was last told, or so many that the acknowledgement has ended
  kAcknowledged,
  kAcknowledgementEnded,  // its time is over, or the incident became worse
  kConfirmed,
  kDismissed,
  kResolved,
  kReopened,      // the same trouble again within the window in which it is no other one
  kSuperseded,    // another incident explains it and has its members
  kChannelNamed,  // a rule wants it told on a channel that was not named before
};

std::string_view NameOf(Change change);  // opened, cause_found, …
std::optional<Change> ParseChange(std::string_view name);

// Who looks after it, and what it was then: it ends with `until`, when the severity rises, when the ranks are more than
// twice as many, and with a node that was not among these.
struct Acknowledgement {
  std::string by, note;
  base::TimeNs at = 0;
  base::TimeNs until = 0;  // 0: while it is open and gets no worse
  detect::Severity severity = detect::Severity::kInfo;
  int64_t rank_count = 0;
  NumberSet nodes;

  bool operator==(const Acknowledgement&) const = default;
};

// What a person said that it is.
struct IncidentDecision {
  IncidentState state = IncidentState::kPotential;  // | kConfirmed | kDismissed
  std::string by, note;
  base::TimeNs at = 0;

  bool operator==(const IncidentDecision&) const = default;
};

// What it took so far: rank-hours in which the job did not get on as it did before.
struct IncidentCost {
  double rank_hours = 0;
  std::optional<double> money;  // where a GPU-hour has a price

  bool operator==(const IncidentCost&) const = default;
};

// The findings of one rule in an incident, however many they are.
struct IncidentMember {
  std::string rule, finding_class;
  ChainRole role = ChainRole::kSymptom;
  detect::Severity severity = detect::Severity::kWarning;
  std::string first_finding;  // its id
  int64_t findings = 0, active = 0;
  NumberSet ranks, nodes;       // that its findings name; of the whole job: none
  std::optional<int64_t> step;  // the first
  base::TimeNs began = 0, last = 0;

  bool operator==(const IncidentMember&) const = default;
};

// Findings of one job that belong together, as they are known now. Plain data. A change makes a version, which replaces
// the one before whole and is told to all who listen; in between, `ranks`, `members` and `cost` may grow in silence.
struct Incident {
  std::string id;        // "i-…": the same in every replay
  uint64_t version = 0;  // 1 and up, by one with each change
  Change change = Change::kOpened;
  base::TimeNs changed = 0;             // when, by the time of records; by the clock, if a person did it
  std::string changed_by, change_note;  // who did, if a person, and why
  std::string project, job;
  int32_t attempt = 0;
  IncidentState state = IncidentState::kPotential;
  detect::Severity severity = detect::Severity::kWarning;

  // Of the leading finding: the earliest of those with the most causal role.
  std::string finding;  // its id
  std::string rule, incident_class;
  ChainRole role = ChainRole::kSymptom;
  std::string title;  // its message without the lines that it quotes: "rank 3 ran out of GPU memory"
  std::vector<detect::Cause> likely;
  std::string action;                   // the rule's, "notify_only" if it names none
  std::vector<std::string> channels;    // of notifications, that rules of its findings name (webhook): sorted
  std::vector<model::Record> evidence;  // the first lines, at most 5

  NumberSet ranks, nodes;               // that have the trouble of its class, not what followed; empty: the whole job
  int64_t told_rank_count = 0;          // of `ranks`, in this version
  int64_t world_size = 0;               // 0: not known
  std::optional<int64_t> step;          // the first one that any member names
  base::TimeNs started = 0;             // likewise; a collective that timed out began when it was entered
  base::TimeNs ended = 0;               // of a resolved one
  std::vector<IncidentMember> members;  // by role, then by time

  IncidentDecision decision;
  std::optional<Acknowledgement> acknowledgement;
  std::string superseded_by;  // an incident's id
  IncidentCost cost;

  bool operator==(const Incident&) const = default;

  // Whether people are to look after it: potential or confirmed.
  bool open() const { return state == IncidentState::kPotential || state == IncidentState::kConfirmed; }
  // 0: the whole job.
  int64_t rank_count() const { return ranks.size(); }
};

// Whether the acknowledgement still holds for what the incident has become.
bool StillAcknowledged(const Acknowledgement& acknowledgement, const Incident& incident, base::TimeNs now);

// "ranks 0-7,371 (9 of 1024)", "rank 3", "node 2", "the job".
std::string WhereOf(const Incident& incident);

// Appends the JSON form (one flat object, no newline): docs/incidents.md.
void AppendJson(const Incident& incident, std::string* out);
// Back again, all of it. kCorrupt: it is no incident's.
base::Result<Incident> IncidentFromJson(std::string_view json);

}  // namespace rankscope::diagnose
