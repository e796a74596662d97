#include "diagnose/incidents/incident.h"

#include <algorithm>
#include <array>

namespace rankscope::diagnose {
namespace {

constexpr std::array<std::string_view, 4> kStates = {"potential", "confirmed", "dismissed", "resolved"};
constexpr std::array<std::string_view, 3> kRoles = {"cause", "symptom", "cascade"};
constexpr std::array<std::string_view, 12> kChanges = {
    "opened",    "cause_found", "worsened", "grown",    "acknowledged", "acknowledgement_ended",
    "confirmed", "dismissed",   "resolved", "reopened", "superseded",   "channel_named"};

template <typename Enum, size_t N>
std::optional<Enum> Parse(const std::array<std::string_view, N>& names, std::string_view name) {
  auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

std::string SetText(const char* one, const char* several, const NumberSet& set) {
  return (set.size() == 1 ? one : several) + set.ToText();
}

}  // namespace

std::string_view NameOf(IncidentState state) { return kStates.at(static_cast<size_t>(state)); }
std::string_view NameOf(ChainRole role) { return kRoles.at(static_cast<size_t>(role)); }
std::string_view NameOf(Change change) { return kChanges.at(static_cast<size_t>(change)); }

std::optional<IncidentState> ParseIncidentState(std::string_view name) { return Parse<IncidentState>(kStates, name); }
std::optional<ChainRole> ParseChainRole(std::string_view name) { return Parse<ChainRole>(kRoles, name); }
std::optional<Change> ParseChange(std::string_view name) { return Parse<Change>(kChanges, name); }

bool StillAcknowledged(const Acknowledgement& acknowledgement, const Incident& incident, base::TimeNs now) {
  if (acknowledgement.until != 0 && now >= acknowledgement.until) return false;
  if (incident.severity > acknowledgement.severity) return false;
  if (acknowledgement.rank_count > 0 && incident.rank_count() > 2 * acknowledgement.rank_count) return false;
  return acknowledgement.nodes.ContainsAll(incident.nodes);
}

std::string WhereOf(const Incident& incident) {
  if (!incident.ranks.empty()) {
    std::string text = SetText("rank ", "ranks ", incident.ranks);
    if (incident.ranks.size() == 1) return text;
    std::string of = incident.world_size > 0 ? " of " + std::to_string(incident.world_size) : "";
    return text + " (" + std::to_string(incident.ranks.size()) + of + ")";
  }
  if (!incident.nodes.empty()) return SetText("node ", "nodes ", incident.nodes);
  return "the job";
}

}  // namespace rankscope::diagnose
