#include "diagnose/incidents/incident_book.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>

#include "diagnose/incidents/incident_members.h"

namespace rankscope::diagnose {
namespace {

// The first finding of an incident is in no other one.
std::string IdOf(const detect::Finding& first) {
  std::string key = "incident\n" + first.job + '\n' + first.id;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "i-%016" PRIx64, static_cast<uint64_t>(XXH3_64bits(key.data(), key.size())));
  return text.data();
}

uint64_t HashOf(const std::string& id) { return XXH3_64bits(id.data(), id.size()); }

bool IsUndecided(const Incident& incident) {
  return incident.state == IncidentState::kPotential && !incident.acknowledgement;
}

}  // namespace

// An incident before a finding came, as far as it tells what has changed.
struct IncidentBook::Before {
  explicit Before(const Incident& incident)
      : finding(incident.finding),
        severity(incident.severity),
        state(incident.state),
        channels(incident.channels.size()) {}

  std::string finding;
  detect::Severity severity;
  IncidentState state;
  size_t channels;
};

void IncidentBook::Restore(const std::string& name, Past past) {
  Job& job = jobs_[name];
  job = Job();
  job.world_size = past.world_size;
  std::map<std::string, Incident*> by_id;
  for (Incident& incident : past.incidents) {
    auto& kept = job.incidents.emplace_back(std::make_unique<Incident>(std::move(incident)));
    by_id[kept->id] = kept.get();
  }
  for (const auto& [finding, incident] : past.active) {
    if (auto home = by_id.find(incident); home != by_id.end()) job.homes[HashOf(finding)] = home->second;
  }
}

void IncidentBook::Admit(const std::string& name, Incident incident) {
  auto& incidents = jobs_[name].incidents;
  bool known = std::any_of(incidents.begin(), incidents.end(), [&](const auto& one) { return one->id == incident.id; });
  if (!known) incidents.push_front(std::make_unique<Incident>(std::move(incident)));
}

std::string IncidentBook::Take(const detect::Finding& finding) {
  Job& job = jobs_[finding.job];
  return finding.active ? Begin(&job, finding) : End(&job, finding);
}

std::string IncidentBook::Begin(Job* job, const detect::Finding& finding) {
  uint64_t hash = HashOf(finding.id);
  if (auto known = job->homes.find(hash); known != job->homes.end()) return known->second->id;
  FindingFacts facts = FactsOf(finding);
  bool is_new = false;
  Incident* home = HomeFor(job, finding, facts, &is_new);
  job->homes[hash] = home;
  Before before(*home);
  AddFinding(finding, facts, kMostMembers, home);
  Touch(*home);
  if (is_new) {
    Tell(home, Change::kOpened, finding.time);
  } else {
    TellWhatChanged(before, finding, home);
  }
  return home->id;
}

// One version, however much has changed: the weightiest change names it.
void IncidentBook::TellWhatChanged(const Before& before, const detect::Finding& finding, Incident* home) {
  if (before.state == IncidentState::kResolved && finding.severity != detect::Severity::kInfo) {
    home->state = home->decision.state;
    home->ended = 0;
    return Tell(home, Change::kReopened, finding.time);
  }
  if (!home->open()) return;
  bool acknowledged = home->acknowledgement.has_value();
  if (acknowledged && !StillAcknowledged(*home->acknowledgement, *home, INT64_MIN)) home->acknowledgement.reset();
  if (home->finding != before.finding) return Tell(home, Change::kCauseFound, finding.time);
  if (home->severity > before.severity) return Tell(home, Change::kWorsened, finding.time);
  if (acknowledged && !home->acknowledgement) return Tell(home, Change::kAcknowledgementEnded, finding.time);
  bool grown = home->told_rank_count > 0 && home->rank_count() >= 2 * home->told_rank_count;
  if (grown) return Tell(home, Change::kGrown, finding.time);
  if (home->channels.size() > before.channels) Tell(home, Change::kChannelNamed, finding.time);
}

// The oldest of those that go on and are the same trouble, or else may have caused it, or else may be caused by it;
// what else it may have caused is then part of that one.
Incident* IncidentBook::HomeFor(Job* job, const detect::Finding& finding, const FindingFacts& facts, bool* is_new) {
  Incident* home = nullptr;
  std::pair<bool, Relation> home_is;  // whether it is resolved, and what the finding is to it
  std::vector<Incident*> explained;
  for (auto& incident : job->incidents) {
    Relation relation = RelationOf(facts, *incident);
    if (relation == Relation::kNone) continue;
    if (relation == Relation::kExplains) explained.push_back(incident.get());
    std::pair is(incident->state == IncidentState::kResolved, relation);
    if (home && is >= home_is) continue;
    home = incident.get();
    home_is = is;
  }
  if (!home) {
    *is_new = OpenCount(*job) < kMostOpen;
    return *is_new ? Open(job, finding) : NewestOpen(job);
  }
  for (Incident* other : explained) {
    if (other != home && IsUndecided(*other)) Merge(job, other, home, finding.time);
  }
  return home;
}

size_t IncidentBook::OpenCount(const Job& job) {
  return static_cast<size_t>(
      std::count_if(job.incidents.begin(), job.incidents.end(), [](const auto& one) { return one->open(); }));
}

// REQUIRES one.
Incident* IncidentBook::NewestOpen(Job* job) {
  auto found =
      std::find_if(job->incidents.rbegin(), job->incidents.rend(), [](const auto& one) { return one->open(); });
  return found->get();
}

Incident* IncidentBook::Open(Job* job, const detect::Finding& finding) {
  MakeRoom(job);
  Incident* incident = job->incidents.emplace_back(std::make_unique<Incident>()).get();
  incident->id = IdOf(finding);
  incident->project = project_;
  incident->job = finding.job;
  incident->attempt = finding.attempt;
  incident->world_size = job->world_size;
  return incident;
}

void IncidentBook::Merge(Job* job, Incident* from, Incident* into, base::TimeNs time) {
  AddMembers(*from, kMostMembers, into);
  for (auto& [hash, home] : job->homes) {
    if (home == from) home = into;
  }
  for (IncidentMember& member : from->members) member.active = 0;
  from->superseded_by = into->id;
  from->state = IncidentState::kResolved;
  from->ended = time;
  Tell(from, Change::kSuperseded, time);
}

// The oldest that nobody has to look after goes; its findings, if any goes on, end without a word.
void IncidentBook::MakeRoom(Job* job) {
  if (job->incidents.size() - OpenCount(*job) < kMostClosed) return;
  auto closed =
      std::find_if(job->incidents.begin(), job->incidents.end(), [](const auto& one) { return !one->open(); });
  std::erase_if(job->homes, [&](const auto& home) { return home.second == closed->get(); });
  if (touched_[(*closed)->job].erase((*closed)->id) > 0) gone_.push_back(**closed);
  job->incidents.erase(closed);
}

std::string IncidentBook::End(Job* job, const detect::Finding& finding) {
  auto known = job->homes.find(HashOf(finding.id));
  if (known == job->homes.end()) return "";
  Incident* home = known->second;
  job->homes.erase(known);
  EndFinding(finding, home);
  Touch(*home);
  if (home->state == IncidentState::kResolved || HasActive(*home)) return home->id;
  home->state = IncidentState::kResolved;
  home->ended = finding.ended;
  home->acknowledgement.reset();
  Tell(home, Change::kResolved, finding.ended);
  return home->id;
}

base::Result<Incident*> IncidentBook::Find(const std::string& name, const std::string& id) {
  auto job = jobs_.find(name);
  if (job == jobs_.end()) return base::Status::NotFound("no incident \"" + id + "\"");
  for (auto& incident : job->second.incidents) {
    if (incident->id != id) continue;
    if (incident->superseded_by.empty()) return incident.get();
    return base::Status::Invalid("incident " + id + " was superseded by " + incident->superseded_by);
  }
  return base::Status::NotFound("no incident \"" + id + "\"");
}

base::Result<Incident> IncidentBook::Acknowledge(const std::string& job, const std::string& id, const Word& word,
                                                 base::TimeNs until) {
  ASSIGN_OR_RETURN(Incident * incident, Find(job, id));
  if (!incident->open()) {
    return base::Status::Invalid("incident " + id + " is " + std::string(NameOf(incident->state)) +
                                 ": nobody has to look after it");
  }
  incident->acknowledgement =
      Acknowledgement{word.by, word.note, word.at, until, incident->severity, incident->rank_count(), incident->nodes};
  Tell(incident, Change::kAcknowledged, word.at, word);
  return *incident;
}

base::Result<Incident> IncidentBook::Decide(const std::string& job, const std::string& id, const Word& word,
                                            IncidentState state) {
  ASSIGN_OR_RETURN(Incident * incident, Find(job, id));
  incident->decision = {state, word.by, word.note, word.at};
  if (incident->state != IncidentState::kResolved) incident->state = state;
  if (!incident->open()) incident->acknowledgement.reset();
  bool confirmed = state == IncidentState::kConfirmed;
  Tell(incident, confirmed ? Change::kConfirmed : Change::kDismissed, word.at, word);
  return *incident;
}

base::Result<Incident> IncidentBook::Resolve(const std::string& job, const std::string& id, const Word& word) {
  ASSIGN_OR_RETURN(Incident * incident, Find(job, id));
  if (incident->state == IncidentState::kResolved) return *incident;
  incident->state = IncidentState::kResolved;
  incident->ended = word.at;
  incident->acknowledgement.reset();
  Tell(incident, Change::kResolved, word.at, word);
  return *incident;
}

void IncidentBook::SetCost(const std::string& job, const std::string& id, const IncidentCost& cost) {
  auto incident = Find(job, id);
  if (!incident.ok()) return;
  (*incident)->cost = cost;
  Touch(**incident);
}

void IncidentBook::Advance(const std::string& name, base::TimeNs now) {
  auto job = jobs_.find(name);
  if (job == jobs_.end()) return;
  for (auto& incident : job->second.incidents) {
    if (!incident->acknowledgement || StillAcknowledged(*incident->acknowledgement, *incident, now)) continue;
    incident->acknowledgement.reset();
    Tell(incident.get(), Change::kAcknowledgementEnded, now);
  }
}

void IncidentBook::Tell(Incident* incident, Change change, base::TimeNs time, const Word& word) {
  ++incident->version;
  incident->change = change;
  incident->changed = time;
  incident->changed_by = word.by;
  incident->change_note = word.note;
  incident->told_rank_count = incident->rank_count();
  Touch(*incident);
  sink_(*incident);
}

std::vector<Incident> IncidentBook::TakeTouched() {
  std::vector<Incident> incidents = std::exchange(gone_, {});
  for (const auto& [name, ids] : std::exchange(touched_, {})) {
    auto job = jobs_.find(name);
    if (job == jobs_.end()) continue;
    for (const auto& incident : job->second.incidents) {
      if (ids.contains(incident->id)) incidents.push_back(*incident);
    }
  }
  return incidents;
}

size_t IncidentBook::active() const {
  size_t count = 0;
  for (const auto& [name, job] : jobs_) count += job.homes.size();
  return count;
}

size_t IncidentBook::known() const {
  size_t count = 0;
  for (const auto& [name, job] : jobs_) count += job.incidents.size();
  return count;
}

}  // namespace rankscope::diagnose
