#pragma once

#include <string>
#include <string_view>

#include "detect/finding.h"
#include "diagnose/incidents/incident.h"

namespace rankscope::diagnose {

// Kinds of trouble that break in the same way and have the same consequences. docs/incidents.md has the table of what
// may cause what.
enum class Family : uint8_t {
  kHardware,  // a GPU, its memory, its links
  kThermal,
  kMemory,   // of a GPU or of a node
  kStorage,  // a disk or a mount
  kData,     // loading it, or a sample
  kSchedule,
  kStraggler,
  kNumerics,  // losses and gradients
  kNetwork,   // collectives, rendezvous
  kHang,      // nothing gets on, or nothing is heard
  kSpeed,     // steps take longer
  kExit,      // a rank ended
  kOther
};

std::string_view NameOf(Family family);  // hardware, thermal, …
Family FamilyOf(std::string_view finding_class, std::string_view rule);
// What findings of one name have in common: the class, or the rule, where the class says nothing (log_pattern, custom).
std::string_view KindOf(std::string_view finding_class, std::string_view rule);

// The role of a finding: its rule's, or else its family's.
ChainRole RoleOf(const detect::Finding& finding);

// Whether trouble of one family is known to be followed by that of the other.
bool MayCause(Family cause, Family effect);
// Whether it shows on other ranks than those that are at fault, since all wait for each other.
bool Spreads(Family effect);

}  // namespace rankscope::diagnose
