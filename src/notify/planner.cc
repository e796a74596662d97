#include "notify/planner.h"

#include <algorithm>
#include <limits>

namespace rankscope::notify {
namespace {

constexpr int64_t kStandInQuietNs = 10 * 60 * base::kNsPerSecond;
constexpr size_t kMostStandIns = 1000;
constexpr std::string_view kStandIn = "rankscope-more/";

// Where it leads to all but the channel that it is about, or else the first other channel.
std::vector<const Route*> RoutesOf(const Config& config, const Update& update) {
  auto routes = RoutesFor(config, LabelsOf(update));
  std::erase_if(routes, [&](const Route* route) { return route->receiver == update.not_to; });
  return routes;
}

}  // namespace

Planner::Planner(std::shared_ptr<const Config> config) : config_(std::move(config)) {
  for (const Channel& channel : config_->channels) channels_.try_emplace(channel.name, &channel);
}

// An open incident that is told keeps the channels that were told of it, whatever the routes say now.
void Planner::SendTo(const std::string& id, KnownIncident* incident, base::TimeNs now) {
  std::map<std::string, const Route*> channels;
  auto routes = RoutesOf(*config_, *incident->update);
  for (const Route* route : routes) channels[route->receiver] = route;
  for (const std::string& channel : incident->update->also_to) {
    if (channels_.count(channel) > 0) channels.try_emplace(channel, &config_->route);
  }
  for (const auto& [channel, told] : incident->told) {
    auto before = incident->channels.find(channel);
    bool owed = told.open && channels_.count(channel) > 0;
    if (owed) channels.try_emplace(channel, before == incident->channels.end() ? &config_->route : before->second);
  }
  if (channels.empty() && !incident->update->not_to.empty()) {
    for (const Channel& other : config_->channels) {
      if (other.name == incident->update->not_to) continue;
      channels[other.name] = &config_->route;
      break;
    }
  }
  for (const auto& [channel, route] : incident->channels) {
    if (channels.count(channel) == 0) channels_.at(channel).Forget(id, now);
  }
  incident->channels = std::move(channels);
  for (const auto& [channel, route] : incident->channels) channels_.at(channel).Look(id, *incident, now);
  if (incident->channels.empty()) finished_.push_back(id);
}

void Planner::Restore(KnownIncident incident, base::TimeNs now) {
  std::string id = incident.update->incident;
  if (id.starts_with(kStandIn)) stand_ins_[id].last = now;
  KnownIncident& kept = incidents_[id] = std::move(incident);
  flaps_.Note(*kept.update, now);
  SendTo(id, &kept, now);
}

void Planner::CountMessage(const std::string& channel, base::TimeNs at) {
  auto found = channels_.find(channel);
  if (found != channels_.end()) found->second.CountMessage(at);
}

std::optional<Update> Planner::Follow(const Update& before, Update update, base::TimeNs now) {
  if (update.version <= before.version) return std::nullopt;
  Trim(&update);
  if (update.kind == Kind::kAcknowledged && update.acknowledgement) {
    update.acknowledgement->severity = update.severity;
    update.acknowledgement->rank_count = update.rank_count;
    update.acknowledgement->nodes = update.nodes;
  }
  // Who looks after it still does, unless it has become worse.
  const auto& held = before.acknowledgement;
  if (update.kind == Kind::kFiring && !update.acknowledgement && held && StillAcknowledged(*held, update, now)) {
    update.acknowledgement = held;
  }
  return update;
}

std::optional<Update> Planner::Admit(Update update, base::TimeNs now) {
  auto known = incidents_.find(update.incident);
  if (known != incidents_.end()) return Follow(*known->second.update, std::move(update), now);
  if (!IsOpen(update.kind) && !IsLife(update.kind)) return std::nullopt;
  bool fits = incidents_.size() < kMostIncidents || IsLife(update.kind);  // jobs are not that many
  return fits ? Follow(Update(), std::move(update), now) : StandFor(update, now);
}

Update Planner::StandFor(const Update& update, base::TimeNs now) {
  std::string id = std::string(kStandIn) + update.project + "/" + update.job;
  if (stand_ins_.size() >= kMostStandIns && stand_ins_.count(id) == 0) id = kStandIn;
  StandIn& stand_in = stand_ins_[id];
  ++stand_in.count;
  stand_in.last = now;
  Update more;
  more.incident = id;
  more.version = static_cast<uint64_t>(now);
  more.project = update.project;
  more.job = id == kStandIn ? "" : update.job;
  more.severity = update.severity;
  more.incident_class = "too_many_incidents";
  more.started = now;
  more.title = std::to_string(stand_in.count) + " more incidents, which are not told one by one";
  more.link = update.link;
  auto known = incidents_.find(id);
  if (known == incidents_.end()) return more;
  more.version = std::max(more.version, known->second.update->version + 1);
  more.started = known->second.update->started;
  more.severity = std::max(more.severity, known->second.update->severity);
  return more;
}

std::vector<std::shared_ptr<const Update>> Planner::Open(const std::string& project) const {
  std::vector<std::shared_ptr<const Update>> open;
  for (const auto& [id, incident] : incidents_) {
    if (incident.update->project == project && IsOpen(incident.update->kind)) open.push_back(incident.update);
  }
  return open;
}

std::vector<Update> Planner::EndedStandIns(base::TimeNs now) const {
  std::vector<Update> ended;
  for (const auto& [id, stand_in] : stand_ins_) {
    auto known = incidents_.find(id);
    bool over =
        known != incidents_.end() && IsOpen(known->second.update->kind) && stand_in.last + kStandInQuietNs <= now;
    if (!over) continue;
    ended.push_back(*known->second.update);
    ended.back().version = std::max(static_cast<uint64_t>(now), ended.back().version + 1);
    ended.back().kind = Kind::kResolved;
    ended.back().ended = now;
  }
  return ended;
}

bool Planner::Overdue(const std::string& id, const KnownIncident& incident, base::TimeNs now) const {
  Circumstances around{silences_, flaps_, now};
  return std::any_of(incident.channels.begin(), incident.channels.end(),
                     [&](const auto& each) { return channels_.at(each.first).Overdue(id, incident, around); });
}

void Planner::Take(Update update, base::TimeNs now) {
  std::string id = update.incident;
  auto [found, is_new] = incidents_.try_emplace(id);
  KnownIncident& incident = found->second;
  if (is_new) {
    incident.taken = now;
  } else if (IsOpen(incident.update->kind) && !IsOpen(update.kind)) {
    incident.overdue = incident.overdue || Overdue(id, incident, now);
  }
  flaps_.Note(update, now);
  incident.update = std::make_shared<const Update>(std::move(update));
  SendTo(id, &incident, now);
}

std::vector<Message> Planner::Plan(base::TimeNs now, const std::function<bool(const std::string&)>& blocked) {
  silences_.Expire(now);
  Circumstances around{silences_, flaps_, now};
  auto done = [this](const std::string& id) { finished_.push_back(id); };
  std::vector<Message> messages;
  for (auto& [name, channel] : channels_) {
    if (blocked(name)) continue;
    auto more = channel.Plan(&incidents_, around, &flaps_, done);
    std::move(more.begin(), more.end(), std::back_inserter(messages));
  }
  CloseFinished();
  return messages;
}

void Planner::CloseFinished() {
  for (const std::string& id : std::exchange(finished_, {})) {
    auto found = incidents_.find(id);
    if (found == incidents_.end() || !found->second.channels.empty()) continue;
    incidents_.erase(found);
    stand_ins_.erase(id);
    closed_.push_back(id);
  }
}

base::TimeNs Planner::NextDue(const std::function<bool(const std::string&)>& blocked) const {
  base::TimeNs next = std::numeric_limits<base::TimeNs>::max();
  for (const auto& [name, channel] : channels_) {
    if (!blocked(name)) next = std::min(next, channel.NextDue());
  }
  return next;
}

}  // namespace rankscope::notify
