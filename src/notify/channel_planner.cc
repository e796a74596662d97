#include "notify/channel_planner.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <set>

namespace rankscope::notify {
namespace {

constexpr base::TimeNs kNever = std::numeric_limits<base::TimeNs>::max();
constexpr int64_t kHeldAgainNs = 5 * base::kNsPerSecond;    // what is held is looked at again
constexpr int64_t kStatesApartNs = 5 * base::kNsPerSecond;  // messages of all states
constexpr size_t kMostStates = 1000;                        // in one of them

bool Before(const Entry& a, const Entry& b) {
  auto rank = [](const Entry& entry) {
    return std::tuple(!IsTrouble(entry.update->kind), -static_cast<int>(entry.update->severity), entry.update->started);
  };
  return rank(a) < rank(b);
}

std::string ReasonOf(const Message& message, bool group_told) {
  if (message.form == Message::Form::kDigest) return "digest";
  if (message.form == Message::Form::kOverflow) return "overflow";
  auto any = [&](auto holds) { return std::any_of(message.entries.begin(), message.entries.end(), holds); };
  if (!IsFiring(message)) return "all alerts resolved";
  if (any([](const Entry& entry) { return !entry.seen && IsTrouble(entry.update->kind); })) {
    return group_told ? "new alerts in group" : "first notification";
  }
  if (any([](const Entry& entry) { return !IsTrouble(entry.update->kind); })) return "new resolved alerts";
  bool repeated = any([](const Entry& entry) { return entry.round > 0; });
  return repeated ? "repeat interval elapsed" : "alerts changed";
}

}  // namespace

std::string ChannelPlanner::GroupOf(const KnownIncident& incident, Group* fresh) const {
  fresh->route = incident.channels.at(channel_->name);
  const ChannelTraits& traits = channel_->kind->traits;
  if (traits.one_each || traits.takes_states) return {};  // one group for all
  Labels labels = LabelsOf(*incident.update);
  const auto& names = fresh->route->group_by;
  if (names.size() == 1 && names.front() == "...") {
    fresh->labels = labels;
  } else {
    for (const std::string& name : names) fresh->labels[name] = labels[name];
  }
  for (const auto& [name, value] : fresh->labels) {
    fresh->label_text.append(fresh->label_text.empty() ? "" : ", ")
        .append(name)
        .append("=\"")
        .append(value)
        .append("\"");
  }
  fresh->of_life = IsLife(incident.update->kind);
  return std::to_string(fresh->route->number) + (fresh->of_life ? "/life:" : ":") + fresh->label_text;
}

// When a state that the channel was not told yet may be told. Words of a job's life are few, and wait for none before.
base::TimeNs ChannelPlanner::ReadyAt(const Group& group, const KnownIncident& incident) const {
  const ChannelTraits& traits = channel_->kind->traits;
  if (traits.takes_states) return group.told + kStatesApartNs;
  const Route& route = *incident.channels.at(channel_->name);
  if (traits.one_each || group.of_life) {
    return incident.ToldTo(channel_->name) ? 0 : incident.taken + route.WaitNs(incident.update->severity);
  }
  return group.told != 0 ? group.told + route.group_interval_ns : group.ready;
}

void ChannelPlanner::Look(const std::string& id, const KnownIncident& incident, base::TimeNs now) {
  Group fresh;
  std::string key = GroupOf(incident, &fresh);
  if (auto before = groups_.find(key); before == groups_.end() || before->second.incidents.count(id) == 0) {
    Forget(id, now);  // its labels may have changed since
  }
  Group& group = groups_.try_emplace(key, std::move(fresh)).first->second;
  base::TimeNs ready = incident.taken + incident.channels.at(channel_->name)->WaitNs(incident.update->severity);
  if (const Told* told = incident.ToldTo(channel_->name)) group.told = std::max(group.told, told->at);
  if (group.incidents.empty()) {
    group.ready = ready;
    group.due = kNever;
  } else if (ready < group.ready) {
    group.ready = ready;
    for (auto& [other, due] : group.incidents) due = std::min(due, ready);  // they go along
  }
  base::TimeNs& due = group.incidents[id] = std::max(now, ReadyAt(group, incident));
  group.due = std::min(group.due, due);
}

void ChannelPlanner::Forget(const std::string& id, base::TimeNs now) {
  for (auto& [key, group] : groups_) {
    if (group.incidents.erase(id) > 0) group.due = std::min(group.due, now);
  }
}

bool ChannelPlanner::Overdue(const std::string& id, const KnownIncident& incident, const Circumstances& around) const {
  const Route& route = *incident.channels.at(channel_->name);
  if (incident.ToldTo(channel_->name) || Decide(incident, *channel_, route, around) != Decision::kTell) return false;
  for (const auto& [key, group] : groups_) {
    if (group.incidents.count(id) > 0) return ReadyAt(group, incident) < around.now;
  }
  return false;
}

base::TimeNs ChannelPlanner::NextDue() const {
  base::TimeNs next = kNever;
  for (const auto& [key, group] : groups_) next = std::min(next, group.due);
  return deferred_since_ == 0 ? next : std::max(next, deferred_since_ + MessageBudget::kDigestNs);
}

std::vector<Message> ChannelPlanner::Plan(Incidents* incidents, const Circumstances& around, FlapGuard* flaps,
                                          const std::function<void(const std::string&)>& done) {
  if (deferred_since_ != 0 && around.now < deferred_since_ + MessageBudget::kDigestNs) return {};
  std::vector<std::pair<base::TimeNs, std::string>> ordered;
  for (const auto& [key, group] : groups_) {
    if (group.due <= around.now) ordered.emplace_back(group.due, key);
  }
  std::sort(ordered.begin(), ordered.end());
  std::vector<std::string> due;
  due.reserve(ordered.size());
  for (auto& [when, key] : ordered) due.push_back(std::move(key));
  bool slot = std::exchange(deferred_since_, 0) != 0;
  Planning planning{incidents, around, flaps, done, {}};
  if (channel_->kind->traits.one_each) {
    TellEach(due, slot, &planning);
  } else if (slot) {
    TellDigest(due, &planning);
  } else {
    TellGroups(due, &planning);
  }
  return std::move(planning.messages);
}

// What the group has to tell now. What it has to tell later goes into the times at which it is looked at.
std::vector<ChannelPlanner::Candidate> ChannelPlanner::Collect(const std::string& key, Planning* planning) {
  Group& group = groups_.at(key);
  group.due = kNever;
  std::vector<Candidate> found;
  for (auto at = group.incidents.begin(); at != group.incidents.end();) {
    auto& [id, due] = *at;
    if (due <= planning->around.now) {
      KnownIncident& incident = planning->incidents->at(id);
      Decision decision = Decide(incident, *channel_, *incident.channels.at(channel_->name), planning->around);
      if (decision == Decision::kDone) {
        incident.channels.erase(channel_->name);
        planning->done(id);
        at = group.incidents.erase(at);
        continue;
      }
      due = Weigh(group, &incident, decision, planning->around, &found);
    }
    group.due = std::min(group.due, due);
    ++at;
  }
  for (Candidate& each : found) each.group = key;
  if (group.incidents.empty()) groups_.erase(key);
  return found;
}

// Adds what is to be told now; when the incident is to be looked at next.
base::TimeNs ChannelPlanner::Weigh(const Group& group, KnownIncident* incident, Decision decision,
                                   const Circumstances& around, std::vector<Candidate>* found) const {
  base::TimeNs now = around.now;
  const Route& route = *incident->channels.at(channel_->name);
  if (decision == Decision::kHeld) return now + kHeldAgainNs;
  if (decision == Decision::kNothing) return RepeatAt(*incident, *channel_, route);
  base::TimeNs ready = decision == Decision::kTell ? ReadyAt(group, *incident) : now;
  if (ready > now) return ready;
  if (channel_->kind->traits.takes_states && found->size() >= kMostStates) return now + kStatesApartNs;
  const Told* told = incident->ToldTo(channel_->name);
  Entry entry{incident->update, decision == Decision::kRepeat ? told->round + 1 : 0, told != nullptr,
              told && told->overflow, around.flaps.Flapping(*incident->update, now)};
  found->push_back({{}, incident->update->incident, incident, std::move(entry)});
  return now;
}

void ChannelPlanner::LookAgain(const Candidate& candidate, base::TimeNs when) {
  Group& group = groups_.at(candidate.group);
  group.incidents.at(candidate.id) = when;
  group.due = std::min(group.due, when);
}

void ChannelPlanner::TellGroups(const std::vector<std::string>& due, Planning* planning) {
  for (const std::string& key : due) {
    auto found = Collect(key, planning);
    if (found.empty()) continue;
    if (!budget_.MayTellAlone(planning->around.now)) return PutBack(found, planning->around.now);
    Tell({}, std::move(found), planning);
  }
}

void ChannelPlanner::TellDigest(const std::vector<std::string>& due, Planning* planning) {
  std::vector<Candidate> all;
  size_t groups = 0;
  for (const std::string& key : due) {
    auto found = Collect(key, planning);
    groups += found.empty() ? 0 : 1;
    std::move(found.begin(), found.end(), std::back_inserter(all));
  }
  Message message;
  if (groups > 1) message.form = Message::Form::kDigest;
  if (!all.empty()) Tell(std::move(message), std::move(all), planning);
}

void ChannelPlanner::TellEach(const std::vector<std::string>& due, bool slot, Planning* planning) {
  std::vector<Candidate> rest;
  for (const std::string& key : due) rest = Collect(key, planning);  // there is one group
  std::stable_sort(rest.begin(), rest.end(), [](const auto& a, const auto& b) { return Before(a.entry, b.entry); });
  if (slot) TellOverflow(&rest, planning);
  TellEnds(&rest, planning);
  auto next = rest.begin();
  for (; next != rest.end() && budget_.MayTellAlone(planning->around.now); ++next) {
    Tell({}, {std::move(*next)}, planning);
  }
  rest.erase(rest.begin(), next);
  PutBack(rest, planning->around.now);
}

// All that began in the project of the first, as one incident. A slot is for one message: where there is nothing to
// gather, for the first.
void ChannelPlanner::TellOverflow(std::vector<Candidate>* rest, Planning* planning) {
  auto begins = [](const Candidate& each) { return IsOpen(each.entry.update->kind) && !each.entry.seen; };
  auto first = std::find_if(rest->begin(), rest->end(), begins);
  Message message;
  std::vector<Candidate> gathered;
  if (first != rest->end()) {
    message.project = first->entry.update->project;
    auto others = std::stable_partition(rest->begin(), rest->end(), [&](const Candidate& each) {
      return !begins(each) || each.entry.update->project != message.project;
    });
    std::move(others, rest->end(), std::back_inserter(gathered));
    rest->erase(others, rest->end());
  } else if (!rest->empty() && !rest->front().entry.overflow) {
    gathered.push_back(std::move(rest->front()));
    rest->erase(rest->begin());
  }
  if (gathered.empty()) return;
  if (gathered.size() > 1) {
    message.form = Message::Form::kOverflow;
    for (Candidate& each : gathered) each.entry.overflow = true;
  }
  Tell(std::move(message), std::move(gathered), planning);
}

// Ends of incidents that an overflow incident stood for: they are told when all of them have ended, as its end.
void ChannelPlanner::TellEnds(std::vector<Candidate>* rest, Planning* planning) {
  auto theirs =
      std::stable_partition(rest->begin(), rest->end(), [](const Candidate& each) { return !each.entry.overflow; });
  std::set<std::string> projects;
  for (auto each = theirs; each != rest->end(); ++each) {
    projects.insert(each->entry.update->project);
    LookAgain(*each, planning->around.now + kHeldAgainNs);
  }
  rest->erase(theirs, rest->end());
  for (const std::string& project : projects) {
    Message message;
    message.form = Message::Form::kOverflow;
    message.project = project;
    auto ended = EndsOf(project, planning->incidents);
    if (ended.empty() || !budget_.MayTellAlone(planning->around.now)) continue;
    Tell(std::move(message), std::move(ended), planning);
  }
}

// All incidents that the project's overflow incident stands for; none, while one of them goes on.
std::vector<ChannelPlanner::Candidate> ChannelPlanner::EndsOf(const std::string& project, Incidents* incidents) const {
  std::vector<Candidate> ends;
  for (auto& [id, incident] : *incidents) {
    const Told* told = incident.ToldTo(channel_->name);
    if (!told || !told->overflow || !told->open || incident.update->project != project) continue;
    if (IsOpen(incident.update->kind)) return {};
    ends.push_back({{}, id, &incident, {incident.update, 0, true, true, 0}});
  }
  return ends;
}

void ChannelPlanner::Tell(Message message, std::vector<Candidate> told, Planning* planning) {
  base::TimeNs now = planning->around.now;
  const Group& first = groups_.at(told.front().group);
  message.channel = channel_->name;
  message.at = now;
  if (message.form == Message::Form::kGroup) {
    message.group_labels = first.labels;
    message.group_key = first.route->key + (first.of_life ? "/{event!=\"incident\"}:{" : ":{") + first.label_text + "}";
  } else {
    bool digest = message.form == Message::Form::kDigest;
    message.group_key = digest ? "rankscope/digest" : "rankscope/overflow:" + message.project;
  }
  bool group_told = first.told != 0;
  for (Candidate& each : told) {
    const Update& update = *each.entry.update;
    each.incident->told[channel_->name] = {update.version, IsOpen(update.kind), now, each.entry.round,
                                           each.entry.overflow};
    planning->flaps->Told(update, channel_->name, now);
    groups_.at(each.group).told = now;
    LookAgain(each, now);  // for what comes next
    message.entries.push_back(std::move(each.entry));
  }
  std::stable_sort(message.entries.begin(), message.entries.end(), Before);
  message.reason = ReasonOf(message, group_told);
  message.id = MessageId(message);
  budget_.Told(now);
  planning->messages.push_back(std::move(message));
}

void ChannelPlanner::PutBack(const std::vector<Candidate>& rest, base::TimeNs now) {
  if (rest.empty()) return;
  deferred_since_ = now;
  for (const Candidate& each : rest) LookAgain(each, now);
}

}  // namespace rankscope::notify
