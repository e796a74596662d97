#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "diagnose/case/flight_dump.h"

namespace rankscope::diagnose {

// Where the ranks' flight recorders first disagree.
struct FlightDisagreement {
  enum class Kind : uint8_t { kOther, kMissing, kStuck, kPeer, kAbsent };
  // It issued another operation, size or type; none; one that its device does not end; nothing of what it is to send or
  // receive, as the one that computes does at any moment; or left no dump.
  Kind kind = Kind::kMissing;
  std::vector<int32_t> ranks;  // the odd ones; empty: half against half
  std::string why;             // for each of them
  std::string operation;       // that the others were in
  std::string where;           // the others' innermost Python frame of their own, where it was recorded
};

// By process group: the first collective that members issued otherwise; ranks that had nothing pending while their
// peers waited, in a collective or for what they send or receive; ranks that had issued what their peers completed, and
// did not complete it; ranks that had not come as far as their peers. Counters of point-to-point operations are not
// comparable. Nothing: fewer than two dumps with a rank, or they agree.
std::optional<FlightDisagreement> CompareDumps(const std::vector<FlightDump>& dumps);

// Ranks of a group that left no dump, where more others wait in one collective of it and all that left one do, or for
// what they send or receive. They may as well not have been gathered.
std::optional<FlightDisagreement> FindAbsent(const std::vector<FlightDump>& dumps);

}  // namespace rankscope::diagnose
