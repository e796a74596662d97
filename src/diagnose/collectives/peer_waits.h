#pragma once

#include <optional>
#include <set>
#include <vector>

#include "diagnose/collectives/flight_comparison.h"

namespace rankscope::diagnose {

// Ranks that wait for a peer to take what they send, or to send what they are to receive.
std::set<int32_t> WaitingForPeers(const std::vector<FlightDump>& dumps);

// Of ranks that wait for each other as the stages of a pipeline do: those for which more others wait, one behind the
// other, and which wait for nothing themselves. One that left no dump may as well have been left out.
std::optional<FlightDisagreement> FindSilentPeer(const std::vector<FlightDump>& dumps);

}  // namespace rankscope::diagnose
