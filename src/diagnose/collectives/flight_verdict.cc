#include "diagnose/collectives/flight_verdict.h"

#include <algorithm>

#include "diagnose/collectives/flight_comparison.h"
#include "diagnose/verdict/advice.h"

namespace rankscope::diagnose {
namespace {

using Kind = FlightDisagreement::Kind;

constexpr double kNamed = 0.8, kMayCompute = 0.6, kUnnamed = 0.5, kNotGathered = 0.4;

double ConfidenceIn(const FlightDisagreement& found) {
  if (found.kind == Kind::kAbsent) return kNotGathered;
  if (found.kind == Kind::kPeer) return kMayCompute;
  return found.ranks.empty() ? kUnnamed : kNamed;
}

std::string_view KindOf(const FlightDisagreement& found) {
  if (found.kind == Kind::kAbsent) return "missing dump";
  if (found.kind == Kind::kPeer) return "silent peer";
  if (found.kind == Kind::kOther) return "other collective";
  return found.kind == Kind::kStuck ? "stuck on the device" : "missing rank";
}

std::string_view ClassOf(const FlightDisagreement& found) {
  if (found.kind == Kind::kOther) return "collective_mismatch_hang";
  return found.operation.starts_with("gloo:") ? "gloo_error" : "nccl_timeout";
}

std::string PathOf(const Case& read, int32_t rank) {
  auto dump = std::find_if(read.dumps.begin(), read.dumps.end(), [&](const FlightDump& d) { return d.rank == rank; });
  return dump == read.dumps.end() ? "" : dump->path;
}

void NameRanks(const Case& read, const FlightDisagreement& found, Verdict* verdict) {
  verdict->culprits = found.ranks;
  if (found.ranks.empty()) {
    verdict->would_settle = {"which half is right: the stacks of both (py-spy dump)"};
    return;
  }
  verdict->culprit = Culprit{{}, found.ranks.front(), {}};
  for (int32_t rank : found.ranks) {
    verdict->evidence.push_back({found.why, "cause", std::nullopt, rank, PathOf(read, rank), 0});
  }
  verdict->would_settle = {std::string(found.kind == Kind::kAbsent ? "the dump, " : "") +
                           "the log and the stack of rank " + std::to_string(found.ranks.front()) +
                           ": why it was not where the others were"};
}

}  // namespace

std::optional<Verdict> JudgeDumps(const Case& read) {
  auto found = CompareDumps(read.dumps);
  if (!found && read.error_files.empty()) found = FindAbsent(read.dumps);
  if (!found) return std::nullopt;
  Verdict verdict;
  verdict.healthy = false;
  verdict.failure = ClassOf(*found);
  verdict.kind = KindOf(*found);
  verdict.confidence = ConfidenceIn(*found);
  verdict.root_line = found->why;
  NameRanks(read, *found, &verdict);
  std::string who = found->ranks.empty() ? "half of the ranks" : "rank " + std::to_string(found->ranks.front());
  verdict.summary = who + ": " + found->why;
  if (!found->operation.empty()) verdict.figures.push_back("the others were in " + found->operation);
  if (!found->where.empty()) verdict.figures.push_back("called at " + found->where);
  if (found->kind != Kind::kOther) {
    verdict.alternatives.push_back({"process_hung", 1 - verdict.confidence, "dumps do not tell why it did not come"});
  }
  verdict.advice = AdviceOn(verdict.failure, verdict.kind);
  return verdict;
}

}  // namespace rankscope::diagnose
