#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "notify/channel_planner.h"
#include "notify/config.h"
#include "notify/message.h"

namespace rankscope::notify {

// From updates to messages: routes, grouping, repeats, silences, mute times, flapping, acknowledgements, digests.
// Pure: it does no I/O and reads no clock, and what it knows is restored from what was kept. One thread at a time.
class Planner {
 public:
  // Incidents that are told one by one; the further ones of a job are counted in one that stands for them.
  static constexpr size_t kMostIncidents = 10'000;

  explicit Planner(std::shared_ptr<const Config> config);

  // As it was kept: an incident that somebody may still have to hear of.
  void Restore(KnownIncident incident, base::TimeNs now);
  // The channel got a message at that time which Plan does not know of: it was made before a restart, or had to wait.
  void CountMessage(const std::string& channel, base::TimeNs at);

  bool Knows(const std::string& incident) const { return incidents_.count(incident) > 0; }
  bool Fires(const std::string& incident) const {
    auto found = incidents_.find(incident);
    return found != incidents_.end() && IsOpen(found->second.update->kind);
  }
  // The update that is to be kept and then taken in place of this one. Nothing: it says nothing new, or ends what
  // nobody heard of.
  std::optional<Update> Admit(Update update, base::TimeNs now);
  // The same where it is known what the incident was before.
  static std::optional<Update> Follow(const Update& before, Update update, base::TimeNs now);
  void Take(Update update, base::TimeNs now);

  // What is to be told now, which counts as told from here on. A channel that is `blocked` is told nothing; what it
  // misses is told as one once it is not.
  std::vector<Message> Plan(base::TimeNs now, const std::function<bool(const std::string& channel)>& blocked);
  // When Plan has something to do, of channels that are not blocked.
  base::TimeNs NextDue(const std::function<bool(const std::string& channel)>& blocked) const;

  // Ends of incidents that stood for others, to be admitted as any update.
  std::vector<Update> EndedStandIns(base::TimeNs now) const;
  // Incidents of which nobody will hear any more, since the last call.
  std::vector<std::string> TakeClosed() { return std::exchange(closed_, {}); }
  size_t size() const { return incidents_.size(); }

  Silences* silences() { return &silences_; }
  const Silences& silences() const { return silences_; }
  std::vector<std::shared_ptr<const Update>> Open(const std::string& project) const;

 private:
  struct StandIn {
    uint64_t count = 0;
    base::TimeNs last = 0;
  };
  Update StandFor(const Update& update, base::TimeNs now);
  void CloseFinished();
  void SendTo(const std::string& id, KnownIncident* incident, base::TimeNs now);
  bool Overdue(const std::string& id, const KnownIncident& incident, base::TimeNs now) const;

  std::shared_ptr<const Config> config_;
  Silences silences_;
  FlapGuard flaps_;
  Incidents incidents_;
  std::map<std::string, ChannelPlanner> channels_;
  std::map<std::string, StandIn> stand_ins_;  // by the id of the incident that stands for others
  std::vector<std::string> finished_;         // that may be closed
  std::vector<std::string> closed_;
};

}  // namespace rankscope::notify
