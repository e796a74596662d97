#include "notify/known_incident.h"

#include <limits>

namespace rankscope::notify {
namespace {

constexpr int64_t kStatesAgainNs = 60 * base::kNsPerSecond;  // well within what Alertmanager takes a state to last

bool Acknowledged(const Update& update, base::TimeNs now) {
  return update.acknowledgement && StillAcknowledged(*update.acknowledgement, update, now);
}

// Of an end that the channel was told no beginning of.
bool WorthTelling(const KnownIncident& incident, const Channel& channel) {
  const Update& update = *incident.update;
  if (!IsLife(update.kind)) return incident.overdue && !channel.kind->traits.takes_states;
  return channel.kind->traits.starts_and_ends || update.kind == Kind::kFailed;
}

Decision DecideEnd(const KnownIncident& incident, const Channel& channel, const Route& route,
                   const Circumstances& around) {
  const Update& update = *incident.update;
  const Told* told = incident.ToldTo(channel.name);
  if (told && told->version >= update.version) return Decision::kDone;
  bool owed = told && told->open;  // whatever silences it now
  if (!owed && (!WorthTelling(incident, channel) || around.silences.Of(update, around.now))) return Decision::kDone;
  bool held = route.MuteAt(around.now) || around.flaps.Quiet(update, channel.name, around.now);
  held = held && !channel.kind->traits.takes_states;
  return held ? Decision::kHeld : Decision::kTell;
}

// Whether the channel was told of an acknowledgement that has ended by itself since.
bool Lapsed(const Update& update, const Told& told, base::TimeNs now) {
  return update.acknowledgement && update.acknowledgement->until != 0 && now >= update.acknowledgement->until &&
         told.at < update.acknowledgement->until;
}

// Machines are told of every state; people of an acknowledgement, and then no more while it holds.
Decision DecideAcknowledged(const Update& update, const Told* told, bool fresh) {
  bool news = update.kind == Kind::kAcknowledged && fresh && told && told->open && !told->overflow;
  return news ? Decision::kTell : Decision::kHeld;
}

}  // namespace

base::TimeNs RepeatAt(const KnownIncident& incident, const Channel& channel, const Route& route) {
  const Told* told = incident.ToldTo(channel.name);
  if (!told || channel.kind->traits.one_each) return std::numeric_limits<base::TimeNs>::max();
  return told->at + (channel.kind->traits.takes_states ? kStatesAgainNs : route.repeat_interval_ns);
}

Decision Decide(const KnownIncident& incident, const Channel& channel, const Route& route,
                const Circumstances& around) {
  const Update& update = *incident.update;
  if (!IsOpen(update.kind)) return DecideEnd(incident, channel, route, around);
  const Told* told = incident.ToldTo(channel.name);
  // A machine that holds the alert would take it for resolved if it came no more; it has silences of its own.
  bool held_there = channel.kind->traits.takes_states && told && told->open;
  bool quiet = around.silences.Of(update, around.now) || route.MuteAt(around.now) ||
               around.flaps.Quiet(update, channel.name, around.now);
  if (quiet && !held_there) return Decision::kHeld;
  bool fresh = !told || told->version < update.version;
  if (Acknowledged(update, around.now) && !channel.kind->traits.takes_states) {
    return DecideAcknowledged(update, told, fresh);
  }
  if (told && told->overflow && told->open) return Decision::kNothing;  // the overflow incident stands for it
  if (fresh) return Decision::kTell;
  if (Lapsed(update, *told, around.now)) return Decision::kRepeat;
  return around.now >= RepeatAt(incident, channel, route) ? Decision::kRepeat : Decision::kNothing;
}

}  // namespace rankscope::notify
