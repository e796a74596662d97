#include "diagnose/collectives/peer_waits.h"

#include <re2/re2.h>

#include <algorithm>
#include <map>

namespace rankscope::diagnose {
namespace {

using Kind = FlightDisagreement::Kind;

bool Pends(const FlightEntry& entry) { return entry.state != FlightEntry::State::kCompleted && !entry.retired; }

struct PeerWait {
  int32_t rank = 0, peer = 0;  // global
  bool sends = false;
  const FlightEntry* entry = nullptr;
};

// "nccl:send 0->1", "nccl:recv 1<-0": the numbers are places in the group.
std::optional<PeerWait> WaitOf(const FlightDump& dump, const FlightEntry& entry) {
  static const re2::RE2 kPeer(R"(^\w+:(send|recv) \d+(?:->|<-)(\d{1,6})\b)");
  std::string verb;
  size_t place = 0;
  if (!entry.is_p2p || !Pends(entry) || !re2::RE2::PartialMatch(entry.operation, kPeer, &verb, &place)) return {};
  const std::vector<int32_t>& ranks = dump.groups[entry.group].ranks;
  if (place >= ranks.size()) return std::nullopt;
  return PeerWait{*dump.rank, ranks[place], verb == "send", &entry};
}

std::vector<PeerWait> WaitsOf(const std::vector<FlightDump>& dumps) {
  std::vector<PeerWait> waits;
  for (const FlightDump& dump : dumps) {
    if (!dump.rank) continue;
    for (const FlightEntry& entry : dump.entries) {
      if (auto wait = WaitOf(dump, entry)) waits.push_back(*wait);
    }
  }
  return waits;
}

// Of ranks that have an operation of any kind under way.
std::set<int32_t> Busy(const std::vector<FlightDump>& dumps) {
  std::set<int32_t> busy;
  for (const FlightDump& dump : dumps) {
    if (dump.rank && std::any_of(dump.entries.begin(), dump.entries.end(), Pends)) busy.insert(*dump.rank);
  }
  return busy;
}

std::string WhatItOwes(const PeerWait& wait) {
  const std::string whom = "rank " + std::to_string(wait.rank);
  return wait.sends ? "it receives nothing of what " + whom + " sends it"
                    : "it sends nothing of what " + whom + " is to receive from it";
}

}  // namespace

std::set<int32_t> WaitingForPeers(const std::vector<FlightDump>& dumps) {
  std::set<int32_t> waiting;
  for (const PeerWait& wait : WaitsOf(dumps)) waiting.insert(wait.rank);
  return waiting;
}

std::optional<FlightDisagreement> FindSilentPeer(const std::vector<FlightDump>& dumps) {
  const std::vector<PeerWait> waits = WaitsOf(dumps);
  const std::set<int32_t> busy = Busy(dumps);
  std::map<int32_t, const PeerWait*> silent;
  for (const PeerWait& wait : waits) {
    if (busy.count(wait.peer) == 0) silent.try_emplace(wait.peer, &wait);
  }
  if (silent.empty() || silent.size() >= busy.size()) return std::nullopt;
  const auto& [first, wait] = *silent.begin();
  const bool left_dump =
      std::any_of(dumps.begin(), dumps.end(), [first = first](const FlightDump& dump) { return dump.rank == first; });
  FlightDisagreement found{left_dump ? Kind::kPeer : Kind::kAbsent, {}, "", "", ""};
  for (const auto& [rank, owed] : silent) found.ranks.push_back(rank);
  found.why = WhatItOwes(*wait) + (left_dump ? ", and waits for nothing" : ", and left no dump");
  found.operation = wait->entry->operation;
  found.where = wait->entry->where;
  return found;
}

}  // namespace rankscope::diagnose
