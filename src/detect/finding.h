#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/record.h"

namespace rankscope::detect {

// kInfo is worth a note; the others wake a person.
enum class Severity : uint8_t { kInfo, kWarning, kCritical };

std::string_view SeverityName(Severity severity);  // INFO, WARNING, CRITICAL
// In any case.
std::optional<Severity> ParseSeverity(std::string_view name);

// A cause that would explain a finding, with a probability from 0 to 1 and the reason in words.
struct Cause {
  std::string cause;
  double probability = 0;
  std::string why;

  bool operator==(const Cause&) const = default;
};

// Of whom a rule speaks. Absent numbers: the whole job, or (no rank, but a node) the whole node.
struct Scope {
  std::optional<int32_t> node_rank, rank;

  auto operator<=>(const Scope&) const = default;
};

// One contiguous period in which one rule held for one scope. Plain data.
struct Finding {
  std::string id;    // FindingId
  std::string rule;  // its name
  std::string finding_class;
  std::string role;  // the rule's: cause, symptom, cascade; empty: it names none
  std::vector<Cause> likely;
  bool active = true;  // false: the period is over
  Severity severity = Severity::kWarning;
  std::string action;
  std::string job;
  int32_t attempt = 0;
  Scope scope;
  std::optional<int64_t> step;  // at which the rule held first
  base::TimeNs time = 0;        // likewise
  base::TimeNs ended = 0;       // of one that is not active: when it was found to be over
  std::optional<double> value, threshold;
  std::vector<model::Record> evidence;  // the first ones
  std::string message;
  std::string headline;  // the message without the lines that it quotes; not in the JSON form, so it may be empty
  std::string incident;  // the one that it belongs to, for whoever groups findings; empty: one of its own

  bool operator==(const Finding&) const = default;
};

// The same for the same job, attempt, rule, scope and beginning: a replay makes the same findings.
std::string FindingId(const Finding& finding);

// Appends the JSON form (one flat object, no newline), in state `potential`: what people decided, the doors say.
void AppendJson(const Finding& finding, std::string* out);

}  // namespace rankscope::detect
