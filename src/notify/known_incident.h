#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "notify/channel.h"
#include "notify/flap_guard.h"
#include "notify/silence.h"
#include "notify/update.h"

namespace rankscope::notify {

// What a channel was told of an incident last.
struct Told {
  uint64_t version = 0;
  bool open = false;  // then it is to be told of the end
  base::TimeNs at = 0;
  uint32_t round = 0;     // how often it was told of that version before
  bool overflow = false;  // as one of an overflow incident

  bool operator==(const Told&) const = default;
};

// An incident as the planner knows it: what it has become, and who was told what.
struct KnownIncident {
  std::shared_ptr<const Update> update;
  base::TimeNs taken = 0;                        // when the first update came
  bool overdue = false;                          // it should have been told while it was open, and could not
  std::map<std::string, Told> told;              // by channel
  std::map<std::string, const Route*> channels;  // those that are (still) to hear of it, and by which route

  const Told* ToldTo(const std::string& channel) const {
    auto found = told.find(channel);
    return found == told.end() ? nullptr : &found->second;
  }
};

// What may keep people from being told, beside the incident itself.
struct Circumstances {
  const Silences& silences;
  const FlapGuard& flaps;
  base::TimeNs now = 0;
};

enum class Decision : uint8_t {
  kNothing,  // the channel knows all there is
  kTell,     // of a state that it was not told yet
  kRepeat,   // of one that it was told, again
  kHeld,     // something keeps it from being told now
  kDone      // the channel will not hear of the incident any more
};

// REQUIRES that the incident is to be told on the channel, by the route.
Decision Decide(const KnownIncident& incident, const Channel& channel, const Route& route,
                const Circumstances& circumstances);
// When what was told is to be told again, if nothing changes.
base::TimeNs RepeatAt(const KnownIncident& incident, const Channel& channel, const Route& route);

}  // namespace rankscope::notify
