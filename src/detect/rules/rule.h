#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "detect/finding.h"
#include "detect/rules/when.h"
#include "model/record.h"

namespace rankscope::detect {

// What one alert of a rule is.
enum class Per : uint8_t { kJob, kNode, kRank };

// A rule of a line: one of the patterns is in the text.
struct LineCondition {
  std::vector<std::string> patterns;
  std::vector<model::Stream> streams;  // empty: all
  std::string look_back_group;         // named group with the milliseconds by which the line looks back
};

// A rule of numbers: it holds for `lasting` steps (or time) of one rank. The metric may be empty where `when` names
// the ones it means.
struct MetricCondition {
  std::string metric;
  When when;
  Span lasting;
};

// One of the detectors (detector.h) watches one metric of each rank.
struct DetectorCondition {
  std::string detector, metric;
  std::map<std::string, double> parameters;  // all of the detector's, by name
};

// Who the peers of a rank are: all of the job, those of its node, or those that compute the same on other data, as the
// run's description tells (without one: all).
enum class Peers : uint8_t { kJob, kNode, kDataParallel };

// One rank leaves its peers, for `lasting` steps.
struct PeersCondition {
  std::string metric;
  Peers group = Peers::kJob;
  When when;
  Span lasting;
  double max_fraction = 0.1;  // of the peers may leave: more, and it is the group that moved
  int64_t min_peers = 4;
};

// Nothing comes any more: from a rank, or no step from any.
struct SilenceCondition {
  bool steps = false;  // no rank makes a step, though records come
  double times = 3;    // the usual interval
  Span at_least;       // however short that is
  Span unspoken;       // likewise, of a run that does not speak of its pauses
};

// A finding of another rule, by its name or class.
struct FindingCondition {
  std::vector<std::string> rules, classes;
};

using FactCondition = std::variant<LineCondition, MetricCondition, FindingCondition>;
struct Fact {
  FactCondition condition;
  int64_t count = 1;  // so often within the window
  std::string text;   // as one reads it
};

// A cause a joint rule thinks of, and which facts make it likelier or less so.
struct LikelyCause {
  struct Shift {
    Fact fact;
    double by = 0;
  };
  std::string cause, why;
  double probability = 0;
  std::vector<Shift> shifts;
};

struct JoinCondition {
  std::vector<Fact> all_of, any_of, none_of;
  std::vector<Fact> followed_by;  // after all of all_of, in this order
  Span within;
  Span lasting;  // it has to hold: what would speak against it may come late
  Per same = Per::kJob;
  std::vector<LikelyCause> likely;
};

using Condition =
    std::variant<LineCondition, MetricCondition, DetectorCondition, PeersCondition, SilenceCondition, JoinCondition>;

// One rule, as a rule file says it. Plain data.
struct Rule {
  std::string name;
  Condition condition;
  Per per = Per::kJob;
  Severity severity = Severity::kWarning;
  std::string finding_class, role, action = "notify_only";
  std::string summary, runbook;
  std::map<std::string, std::string> labels;  // those without a meaning of their own
  Span keep_firing;                           // after it last held
  std::optional<When> resolve_when;           // of metric rules: hysteresis
  int64_t warmup_steps = 0;                   // at the beginning, which do not count
  bool ignore_disturbed = false;              // points that an evaluation or a checkpoint lies before
  std::string place;                          // FILE:LINE
};

}  // namespace rankscope::detect
