#include "diagnose/suspects/outlived_memory.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "base/counted.h"
#include "diagnose/signatures/signature_set.h"
#include "diagnose/suspects/memory_trace.h"
#include "diagnose/suspects/memory_trend.h"
#include "diagnose/suspects/survival.h"
#include "diagnose/verdict/advice.h"
#include "diagnose/verdict/figures.h"
#include "diagnose/verdict/restart_plan.h"
#include "model/rank_set.h"

namespace rankscope::diagnose {
namespace {

struct Occurrence {
  Suspect report;
  std::optional<int64_t> step;  // reported before it
  std::optional<double> requested;
};
using OfRank = std::map<std::optional<int32_t>, std::vector<Occurrence>>;

// Of more of them no more is said.
constexpr size_t kMostLooked = 64;

// A report of the allocator, and no talk of one: it has its figures, or was raised.
bool IsReport(const Reading& reading, const Sighting& sighting) {
  if (sighting.signature->failure != "cuda_oom" || sighting.signature->role != Role::kCause) return false;
  return sighting.traceback != Traceback::kNone || ReadMemoryReport(reading.text(sighting.line)).requested;
}

// A handler that prints the message and the traceback tells of one.
bool IsToldAlready(const std::vector<Occurrence>& told, const Occurrence& next) {
  return !told.empty() && told.back().step == next.step && (told.back().requested == next.requested || !next.requested);
}

// Whether it tells itself that it went on ("…, trying again with 16"), and quotes nobody.
bool SaysItWentOn(std::string_view text) {
  constexpr int kOfReports = 92;  // the most that a signature of one weighs
  thread_local std::vector<const Signature*> harmless;
  SignatureSet::Shipped().MatchHarmless(text, &harmless);
  bool went_on = false;
  for (const Signature* signature : harmless) {
    const bool quotes = signature->life == Life::kGoesOn;
    if (quotes && signature->weight > kOfReports) return false;
    went_on = went_on || !quotes;
  }
  return went_on;
}

// Reports that no sighting tells of, since their line says that it went on.
std::vector<size_t> FindTakenBack(const Reading& reading) {
  std::vector<size_t> lines;
  auto sighting = reading.sightings.begin();
  for (size_t i = 0; i < reading.bodies.size() && lines.size() < kMostLooked; ++i) {
    while (sighting != reading.sightings.end() && sighting->line < i) ++sighting;
    const bool told = reading.tracebacks.is_inside[i] || (sighting != reading.sightings.end() && sighting->line == i);
    const std::string_view text = reading.bodies[i].text;
    if (!told && text.find("out of memory. Tried to allocate") != std::string_view::npos && SaysItWentOn(text))
      lines.push_back(i);
  }
  return lines;
}

// What the training outlived.
std::vector<Suspect> FindReports(const Reading& reading) {
  const std::vector<size_t> taken_back = FindTakenBack(reading);
  std::vector<Suspect> reports;
  auto is_report = [&](const Sighting& sighting) { return IsReport(reading, sighting); };
  if (taken_back.empty() && std::none_of(reading.sightings.begin(), reading.sightings.end(), is_report)) return reports;
  const Survival survival(reading);
  auto add = [&](size_t line, std::string_view kind, size_t traceback) {
    reports.push_back({line, "cuda_oom", kind, Role::kCause, 0, reading.ranks[line], traceback, {}});
  };
  for (const Sighting& sighting : reading.sightings) {
    const bool outlived = is_report(sighting) && survival.WentOnAfter(sighting.line);
    if (outlived) add(sighting.line, sighting.signature->kind, sighting.traceback);
  }
  for (size_t line : taken_back) {
    if (survival.WasReportedAfter(line)) add(line, "allocation", Traceback::kNone);
  }
  std::sort(reports.begin(), reports.end(), [](const Suspect& a, const Suspect& b) { return a.line < b.line; });
  reports.resize(std::min(reports.size(), kMostLooked));
  return reports;
}

OfRank FindOccurrences(const Reading& reading) {
  OfRank all;
  for (const Suspect& report : FindReports(reading)) {
    const Occurrence next{report, StepBefore(reading, report.line, report.rank),
                          ReadMemoryReport(reading.text(report.line)).requested};
    if (std::vector<Occurrence>& told = all[report.rank]; !IsToldAlready(told, next)) told.push_back(next);
  }
  return all;
}

// "after steps 120, 220".
std::string Steps(const std::vector<Occurrence>& all) {
  constexpr size_t kMost = 6;
  std::string steps;
  size_t count = 0;
  for (const Occurrence& one : all) {
    if (one.step && ++count <= kMost) steps += (count == 1 ? "" : ", ") + std::to_string(*one.step);
  }
  if (steps.empty()) return {};
  return (count == 1 ? " after step " : " after steps ") + steps + (count > kMost ? ", …" : "");
}

std::string Times(size_t count) {
  if (count < 2) return {};
  return " " + base::Counted(count, "time") + (count < kMostLooked ? "" : " or more");
}

// Of several: whether each asked for more than the one before.
std::string Requests(const std::vector<Occurrence>& all) {
  std::vector<double> sizes;
  for (const Occurrence& one : all) {
    if (one.requested) sizes.push_back(*one.requested);
  }
  if (sizes.size() < 2) return {};
  const bool grow = std::adjacent_find(sizes.begin(), sizes.end(), std::greater_equal<>()) == sizes.end();
  const auto [least, most] = std::minmax_element(sizes.begin(), sizes.end());
  if (*least == *most) return {};
  const auto& [from, to] = grow ? std::pair(sizes.front(), sizes.back()) : std::pair(*least, *most);
  return (grow ? ", each time for more: from " : ", for ") + Hundredths(from) + " to " + Hundredths(to) + " GiB";
}

// What is said alike of some ranks, in the order of the first of each.
struct Told {
  std::string words;
  std::set<int32_t> ranks;
  const std::vector<Occurrence>* first = nullptr;  // of the first rank
};

std::vector<Told> TellAlike(const OfRank& all) {
  std::vector<Told> told;
  for (const auto& [rank, occurrences] : all) {
    const std::string requests = Requests(occurrences);
    std::string words = " ran out of GPU memory" + Times(occurrences.size()) + Steps(occurrences) + requests +
                        (requests.empty() ? " and went on" : ", and went on");
    const bool known = rank.has_value();
    auto same = std::find_if(told.begin(), told.end(), [&](const Told& one) { return known && one.words == words; });
    if (same == told.end()) same = told.insert(told.end(), {std::move(words), {}, &occurrences});
    if (rank) same->ranks.insert(*rank);
  }
  return told;
}

std::string Sentence(const Told& told) {
  if (told.ranks.empty()) return "the job" + told.words;
  return (told.ranks.size() == 1 ? "rank " : "ranks ") + model::RankSet(told.ranks) + told.words;
}

// The last occurrence of all.
const Suspect& LastOf(const Reading& reading, const OfRank& all) {
  const Suspect* last = nullptr;
  for (const auto& [rank, occurrences] : all) {
    const Suspect& own = occurrences.back().report;
    if (!last || reading.positions[own.line] > reading.positions[last->line]) last = &own;
  }
  return *last;
}

}  // namespace

OutlivedMemory FindOutlivedMemory(const Reading& reading) {
  constexpr size_t kMost = 4;
  OutlivedMemory found;
  const OfRank all = FindOccurrences(reading);
  if (all.empty()) return found;
  std::vector<Told> told = TellAlike(all);
  found.summary = told.size() == 1 ? Sentence(told.front())
                                   : base::Counted(all.size(), "rank") + " ran out of GPU memory and went on";
  told.resize(std::min(told.size(), kMost));
  for (const Told& one : told) {
    found.figures.push_back(Sentence(one));
    found.lines.push_back(one.first->front().report.line);
    found.lines.push_back(one.first->back().report.line);
  }
  MemoryTrace trace = TraceMemory(reading, LastOf(reading, all));
  found.trace = std::move(trace.figures);
  found.lines.insert(found.lines.end(), trace.lines.begin(), trace.lines.end());
  found.advice = AdviceOnKind("cuda_oom", trace.kind);
  return found;
}

}  // namespace rankscope::diagnose
