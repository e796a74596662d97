#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "diagnose/case/case.h"
#include "diagnose/slowness/slowdown.h"

namespace rankscope::diagnose {

struct Culprit {
  std::optional<int32_t> node_rank, rank;
  std::optional<int64_t> step;
};

// A line quoted, secrets taken out.
struct Evidence {
  std::string text;
  std::string role;  // root, cause, symptom, cascade, outcome, context
  std::optional<base::TimeNs> time;
  std::optional<int32_t> rank;
  std::string file;
  uint64_t line_number = 0;
};

// One thing that happened, in the order of time.
struct Event {
  std::optional<base::TimeNs> time;
  std::optional<int32_t> rank;
  std::optional<int64_t> step;
  std::string what;
};

struct Alternative {
  std::string failure;
  double confidence = 0;
  std::string why_not;
};

// A failure of another job that looks alike.
struct Similar {
  std::string incident;  // empty: none of that job
  std::string job, failure;
  double score = 0;  // 0 to 1
};

struct Advice {
  std::string text;
  std::string doc;  // docs/failures/CLASS.md
};

// What became of a job. Plain data.
struct Verdict {
  std::string failure = "none";  // the class
  std::string kind;              // the subclass
  double confidence = 0;
  bool healthy = true;
  std::string summary;  // one sentence

  std::optional<Culprit> culprit;  // absent: it abstains, would_settle says what is missing
  std::vector<int32_t> culprits;   // ranks, most certain first
  std::optional<size_t> root;      // a line of the case
  std::string root_line;

  std::vector<Evidence> evidence;
  std::vector<Event> timeline;
  std::vector<Alternative> alternatives;
  std::vector<std::string> why_not;  // "not the network: …"
  std::vector<std::string> figures;  // of memory, of speed: what the numbers say
  std::vector<std::string> restart;  // from where, what is lost, what to leave out
  std::vector<Advice> advice;
  std::vector<Similar> similar;  // of a stored job; most similar first
  std::vector<std::string> would_settle;
  std::optional<Slowdown> slowdown;  // of a job that lives and is slow: who, when, behind what
};

// Reads what happened out of the case. Deterministic, no I/O, no clock; linear in its lines but for a sort. The
// topology helps to tell what slow ranks share; an empty one is none.
Verdict Diagnose(const Case& read, const Topology& topology = {});

}  // namespace rankscope::diagnose
