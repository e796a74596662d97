#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "notify/known_incident.h"
#include "notify/message.h"
#include "notify/message_budget.h"

namespace rankscope::notify {

using Incidents = std::map<std::string, KnownIncident>;

// Plans what one channel is told: groups and their waits, repeats, digests where it would be too much. Pure: times
// come from the caller. One thread at a time.
class ChannelPlanner {
 public:
  explicit ChannelPlanner(const Channel* channel) : channel_(channel) {}

  // The incident, of which the channel is to hear, is new or has changed (or was kept over a restart).
  void Look(const std::string& id, const KnownIncident& incident, base::TimeNs now);
  // The channel is not to hear of the incident any more.
  void Forget(const std::string& id, base::TimeNs now);
  // The channel got a message that was not planned just now: it was made before a restart, or had to wait.
  void CountMessage(base::TimeNs at) { budget_.Told(at); }

  // The messages that are due; what they tell is marked as told in the incidents. An incident of which the channel
  // will not hear any more loses it from its channels and is given to `done`.
  std::vector<Message> Plan(Incidents* incidents, const Circumstances& around, FlapGuard* flaps,
                            const std::function<void(const std::string&)>& done);
  // When Plan has something to do, if nothing changes.
  base::TimeNs NextDue() const;
  // Whether the channel should have been told of the incident by now, and was not: it failed.
  bool Overdue(const std::string& id, const KnownIncident& incident, const Circumstances& around) const;

 private:
  struct Group {
    std::string label_text;  // {job="j-1"}, of its key
    Labels labels;
    bool of_life = false;                           // of words of a job's life, as if those had a route of their own
    std::map<std::string, base::TimeNs> incidents;  // and when each is to be looked at
    base::TimeNs due = 0;                           // the first of these
    base::TimeNs ready = 0;                         // when the first message may be, by the waits
    base::TimeNs told = 0;                          // the last message; 0: none yet
    const Route* route = nullptr;
  };
  struct Candidate {
    std::string group, id;
    KnownIncident* incident = nullptr;
    Entry entry;
  };
  struct Planning {
    Incidents* incidents;
    const Circumstances& around;
    FlapGuard* flaps;
    const std::function<void(const std::string&)>& done;
    std::vector<Message> messages;
  };

  std::string GroupOf(const KnownIncident& incident, Group* fresh) const;
  base::TimeNs ReadyAt(const Group& group, const KnownIncident& incident) const;
  std::vector<Candidate> Collect(const std::string& key, Planning* planning);
  base::TimeNs Weigh(const Group& group, KnownIncident* incident, Decision decision, const Circumstances& around,
                     std::vector<Candidate>* found) const;
  void LookAgain(const Candidate& candidate, base::TimeNs when);
  void TellGroups(const std::vector<std::string>& due, Planning* planning);
  void TellDigest(const std::vector<std::string>& due, Planning* planning);
  void TellEach(const std::vector<std::string>& due, bool slot, Planning* planning);
  void TellOverflow(std::vector<Candidate>* rest, Planning* planning);
  void TellEnds(std::vector<Candidate>* rest, Planning* planning);
  std::vector<Candidate> EndsOf(const std::string& project, Incidents* incidents) const;
  void Tell(Message message, std::vector<Candidate> told, Planning* planning);
  void PutBack(const std::vector<Candidate>& rest, base::TimeNs now);

  const Channel* channel_;
  MessageBudget budget_;
  base::TimeNs deferred_since_ = 0;  // 0: nothing waits for a digest
  std::map<std::string, Group> groups_;
};

}  // namespace rankscope::notify
