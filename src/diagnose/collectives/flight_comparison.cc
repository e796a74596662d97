#include "diagnose/collectives/flight_comparison.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "diagnose/collectives/peer_waits.h"

namespace rankscope::diagnose {
namespace {

using Kind = FlightDisagreement::Kind;

// What one rank did in one group.
struct Member {
  std::map<int64_t, const FlightEntry*> entries;  // collectives, by sequence number
  std::optional<int64_t> enqueued, completed;
  bool pends = false;
};
using Members = std::map<int32_t, Member>;

// The same group has other names on other ranks where not all of them made it: its ranks tell it.
std::string KeyOf(const FlightGroup& group) {
  if (group.ranks.empty()) return group.name;
  std::vector<int32_t> ranks = group.ranks;
  std::sort(ranks.begin(), ranks.end());
  std::string key = group.description;
  for (int32_t rank : ranks) key += " " + std::to_string(rank);
  return key;
}

void TakeEntry(const FlightEntry& entry, Member* member) {
  if (entry.is_p2p) return;
  member->entries[entry.collective_seq] = &entry;
  member->enqueued = std::max(member->enqueued.value_or(-1), entry.collective_seq);
  if (entry.state == FlightEntry::State::kCompleted) {
    member->completed = std::max(member->completed.value_or(-1), entry.collective_seq);
  } else if (!entry.retired) {
    member->pends = true;
  }
}

std::map<std::string, Members> GroupsOf(const std::vector<FlightDump>& dumps) {
  std::map<std::string, Members> groups;
  for (const FlightDump& dump : dumps) {
    if (!dump.rank) continue;
    std::vector<Member*> members;
    for (const FlightGroup& group : dump.groups) {
      Member& member = groups[KeyOf(group)][*dump.rank];
      if (group.last_enqueued) member.enqueued = group.last_enqueued;
      if (group.last_completed) member.completed = group.last_completed;
      member.pends = member.enqueued && member.completed && *member.enqueued > *member.completed;
      members.push_back(&member);
    }
    for (const FlightEntry& entry : dump.entries) {
      if (entry.group < members.size()) TakeEntry(entry, members[entry.group]);
    }
  }
  return groups;
}

std::string Sizes(const std::vector<std::vector<int64_t>>& sizes) {
  std::string text;
  for (const auto& one : sizes) {
    text += text.empty() ? "[" : ", [";
    for (size_t i = 0; i < one.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(one[i]);
    text += "]";
  }
  return text;
}

// Their sizes may differ from rank to rank.
bool MayDiffer(const std::string& operation) {
  constexpr std::string_view kUneven[] = {"all_to_all", "gather", "scatter", "_v"};
  return std::any_of(std::begin(kUneven), std::end(kUneven),
                     [&](std::string_view word) { return operation.find(word) != std::string::npos; });
}

// "nccl:all_reduce of [4096] Float".
std::string Described(const FlightEntry& entry) {
  std::string text = entry.operation;
  if (!MayDiffer(entry.operation) && !entry.input_sizes.empty()) text += " of " + Sizes(entry.input_sizes);
  if (!entry.input_dtypes.empty()) text += " " + entry.input_dtypes.front();
  return text;
}

// Members that issued something else than the most at the first sequence number where any did.
std::optional<FlightDisagreement> FindOther(const Members& members) {
  std::map<int64_t, std::map<std::string, std::vector<int32_t>>> issued;
  for (const auto& [rank, member] : members) {
    for (const auto& [sequence, entry] : member.entries) issued[sequence][Described(*entry)].push_back(rank);
  }
  for (const auto& [sequence, kinds] : issued) {
    if (kinds.size() < 2) continue;
    auto fewer = [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); };
    auto most = std::max_element(kinds.begin(), kinds.end(), fewer);
    auto least = std::min_element(kinds.begin(), kinds.end(), fewer);
    FlightDisagreement found{Kind::kOther, {}, "", most->first, ""};
    if (least->second.size() < most->second.size()) found.ranks = least->second;
    found.why =
        "in collective " + std::to_string(sequence) + " it issued " + least->first + ", the others " + most->first;
    found.where = members.at(most->second.front()).entries.at(sequence)->where;
    return found;
  }
  return std::nullopt;
}

// What those who wait are in.
void DescribeWait(const Members& members, FlightDisagreement* found) {
  for (const auto& [rank, member] : members) {
    for (const auto& [sequence, entry] : member.entries) {
      if (entry->state == FlightEntry::State::kCompleted || entry->retired || !member.pends) continue;
      found->operation = Described(*entry) + " (collective " + std::to_string(sequence) + ")";
      found->where = entry->where;
      return;
    }
  }
}

std::set<int32_t> Pending(const std::map<std::string, Members>& groups) {
  std::set<int32_t> pending;
  for (const auto& [key, members] : groups) {
    for (const auto& [rank, member] : members) {
      if (member.pends) pending.insert(rank);
    }
  }
  return pending;
}

// Ranks with nothing pending in any group while most of a group of theirs wait.
std::optional<FlightDisagreement> FindIdle(const std::map<std::string, Members>& groups,
                                           const std::set<int32_t>& waiting_for_peers) {
  std::set<int32_t> pending = Pending(groups);
  pending.insert(waiting_for_peers.begin(), waiting_for_peers.end());
  FlightDisagreement found{Kind::kMissing, {}, "", "", ""};
  std::set<int32_t> idle;
  for (const auto& [key, members] : groups) {
    std::vector<int32_t> out;
    size_t waiting = 0;
    for (const auto& [rank, member] : members) {
      if (pending.count(rank) == 0) out.push_back(rank);
      waiting += member.pends ? 1 : 0;
    }
    if (out.empty() || out.size() >= waiting) continue;
    if (idle.empty()) DescribeWait(members, &found);
    idle.insert(out.begin(), out.end());
  }
  if (idle.empty()) return std::nullopt;
  found.ranks.assign(idle.begin(), idle.end());
  found.why = "it had no collective pending while the others waited in " + found.operation;
  return found;
}

// Gloo's collectives have no device: one that others have completed is about to be completed here.
bool IsOfGloo(const Members& members) {
  return std::any_of(members.begin(), members.end(), [](const auto& entry) {
    const auto& entries = entry.second.entries;
    return !entries.empty() && entries.begin()->second->operation.starts_with("gloo:");
  });
}

// Issued all that others completed, and did not complete it: its device is stuck.
std::optional<FlightDisagreement> FindStuck(const Members& members) {
  if (IsOfGloo(members)) return std::nullopt;
  int64_t most = -1;
  for (const auto& [rank, member] : members) most = std::max(most, member.completed.value_or(-1));
  FlightDisagreement found{Kind::kStuck, {}, "", "", ""};
  for (const auto& [rank, member] : members) {
    bool stuck = member.completed.value_or(-1) < most && member.enqueued.value_or(-1) >= most;
    if (stuck) found.ranks.push_back(rank);
  }
  if (most < 0 || found.ranks.empty() || found.ranks.size() * 2 >= members.size()) return std::nullopt;
  found.why = "its device did not end collective " + std::to_string(most) + ", which others completed";
  DescribeWait(members, &found);
  return found;
}

// Not come as far as the others, who wait.
std::optional<FlightDisagreement> FindBehind(const Members& members) {
  int64_t most = -1;
  size_t waiting = 0;
  for (const auto& [rank, member] : members) {
    most = std::max(most, member.enqueued.value_or(-1));
    waiting += member.pends ? 1 : 0;
  }
  FlightDisagreement found{Kind::kMissing, {}, "", "", ""};
  for (const auto& [rank, member] : members) {
    if (member.enqueued.value_or(-1) < most) found.ranks.push_back(rank);
  }
  if (waiting == 0 || found.ranks.empty() || found.ranks.size() * 2 >= members.size()) return std::nullopt;
  DescribeWait(members, &found);
  found.why = "it never issued collective " + std::to_string(most) + ", in which the others waited";
  return found;
}

bool AllWaitInOne(const Members& members) {
  return std::all_of(members.begin(), members.end(), [&](const auto& member) {
    return member.second.pends && member.second.enqueued == members.begin()->second.enqueued;
  });
}

}  // namespace

std::optional<FlightDisagreement> FindAbsent(const std::vector<FlightDump>& dumps) {
  const std::map<std::string, Members> groups = GroupsOf(dumps);
  for (const FlightDump& dump : dumps) {
    for (const FlightGroup& group : dump.groups) {
      auto found = groups.find(KeyOf(group));
      if (found == groups.end() || !AllWaitInOne(found->second)) continue;
      FlightDisagreement absent{Kind::kAbsent, {}, "", "", ""};
      std::copy_if(group.ranks.begin(), group.ranks.end(), std::back_inserter(absent.ranks),
                   [&](int32_t rank) { return found->second.count(rank) == 0; });
      if (absent.ranks.empty() || absent.ranks.size() >= found->second.size()) continue;
      DescribeWait(found->second, &absent);
      absent.why = "it left no dump, and the others waited in " + absent.operation;
      return absent;
    }
  }
  auto peer = FindSilentPeer(dumps);
  return peer && peer->kind == Kind::kAbsent ? peer : std::nullopt;
}

std::optional<FlightDisagreement> CompareDumps(const std::vector<FlightDump>& dumps) {
  const std::map<std::string, Members> groups = GroupsOf(dumps);
  for (const auto& [key, members] : groups) {
    if (auto found = FindOther(members)) return found;
  }
  if (auto found = FindIdle(groups, WaitingForPeers(dumps))) return found;
  if (auto found = FindSilentPeer(dumps); found && found->kind != Kind::kAbsent) return found;
  for (auto* find : {&FindStuck, &FindBehind}) {
    for (const auto& [key, members] : groups) {
      if (auto found = find(members)) return found;
    }
  }
  return std::nullopt;
}

}  // namespace rankscope::diagnose
