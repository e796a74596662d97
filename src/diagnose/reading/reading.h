#pragma once

#include <cstddef>
#include <optional>
#include <unordered_map>
#include <vector>

#include "diagnose/case/case.h"
#include "diagnose/reading/exits.h"
#include "diagnose/reading/line_body.h"
#include "diagnose/reading/progress.h"
#include "diagnose/reading/traceback.h"
#include "diagnose/signatures/signature.h"

namespace rankscope::diagnose {

// A line that says something of a failure: its most specific signature.
struct Sighting {
  size_t line = 0;
  const Signature* signature = nullptr;
  size_t traceback = Traceback::kNone;  // that it ends
};

// A case, understood line by line; nothing is judged yet. Refers to the case, which must outlive it.
struct Reading {
  explicit Reading(const Case& of) : read(&of) {}

  const Case* read;
  std::vector<LineBody> bodies;               // by line, likewise the two below
  std::vector<std::optional<int32_t>> ranks;  // who speaks: global ranks
  std::vector<size_t> positions;              // place in the order of time over all files
  Tracebacks tracebacks;
  std::unordered_map<size_t, size_t> ends;  // line that names an exception: its traceback
  std::vector<Sighting> sightings;          // by line
  std::vector<Point> points;                // by line
  std::vector<Exit> exits;                  // by line
  std::vector<size_t> finished;             // lines that say that the training came to its end

  std::string_view text(size_t line) const { return read->lines[line].text; }
};

Reading Understand(const Case& read);

}  // namespace rankscope::diagnose
