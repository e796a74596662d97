#include "diagnose/collectives/collectives.h"

#include <re2/re2.h>

#include <algorithm>
#include <set>

#include "diagnose/collectives/flight_comparison.h"

namespace rankscope::diagnose {
namespace {

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

std::optional<int64_t> Integer(const re2::StringPiece& digits) {
  if (digits.empty() || digits.size() > 18) return std::nullopt;
  return std::atoll(digits.as_string().c_str());
}

// WorkNCCL(SeqNum=78, OpType=BROADCAST, NumelIn=80, NumelOut=80, Timeout(ms)=600000) ran for 600096 milliseconds
void ReadWork(std::string_view text, std::optional<base::TimeNs> time, CollectiveState* state) {
  static const re2::RE2 kWork(
      R"(WorkNCCL\(SeqNum=(\d+), OpType=(\w+)((?:, (?:TensorShape=\[[^\]]*\]|Numel(?:In|Out)=\d+))*))"),
      kRan(R"(ran for (\d+) milliseconds)");
  re2::StringPiece sequence, operation, sizes, ran;
  if (!re2::RE2::PartialMatch(Piece(text), kWork, &sequence, &operation, &sizes)) return;
  state->sequence = Integer(sequence);
  state->operation = operation.as_string() + sizes.as_string();
  if (!re2::RE2::PartialMatch(Piece(text), kRan, &ran)) return;
  state->ran_for_ms = Integer(ran);
  if (time && state->ran_for_ms) state->began_waiting = *time - *state->ran_for_ms * 1'000'000;
}

void ReadStatus(std::string_view text, CollectiveState* state) {
  static const re2::RE2 kStatus(R"([Ll]ast enqueued (?:NCCL )?work: (-?\d+), last completed (?:NCCL )?work: (-?\d+))");
  re2::StringPiece enqueued, completed;
  if (!re2::RE2::PartialMatch(Piece(text), kStatus, &enqueued, &completed)) return;
  auto read = [](const re2::StringPiece& digits) { return std::atoll(digits.as_string().c_str()); };
  state->enqueued = read(enqueued);
  state->completed = read(completed);
}

// "[2] NCCL INFO AllGather: opCount 31a … count 15360 datatype 0 …", of a device of one node.
void ReadTrace(std::string_view text, size_t line, Collectives* found) {
  static const re2::RE2 kTrace(R"(\[(\d+)\] NCCL INFO (\w+): opCount ([0-9a-f]+) .*\bcount (\d+) datatype (\d+))");
  re2::StringPiece rank, operation, sequence, count, type;
  if (!re2::RE2::PartialMatch(Piece(text), kTrace, &rank, &operation, &sequence, &count, &type)) return;
  auto who = static_cast<int32_t>(Integer(rank).value_or(0));
  auto number = static_cast<int64_t>(std::strtoll(sequence.as_string().c_str(), nullptr, 16));
  std::string what = operation.as_string() + ", " + count.as_string() + " elements of type " + type.as_string();
  found->issued[number].try_emplace(who, Collectives::Issue{what, line});
}

// "Rank 2 is running collective: CollectiveFingerPrint(SequenceNumber=32, OpType=ALLREDUCE, …, but Rank 3 is running
// collective: CollectiveFingerPrint(SequenceNumber=0OpType=GATHER)": both at the speaker's sequence number.
void ReadFingerprints(std::string_view text, size_t line, Collectives* found) {
  static const re2::RE2 kPrint(
      R"(Rank (\d+) is running collective: CollectiveFingerPrint\(SequenceNumber=(\d+),? ?OpType=(\w+(?:, TensorShape=\[[^\]]*\])?))");
  re2::StringPiece rest = Piece(text);
  re2::StringPiece rank, sequence, operation;
  std::optional<int64_t> at;
  while (re2::RE2::FindAndConsume(&rest, kPrint, &rank, &sequence, &operation)) {
    if (!at) at = Integer(sequence).value_or(0);
    auto who = static_cast<int32_t>(Integer(rank).value_or(0));
    found->issued[*at].try_emplace(who, Collectives::Issue{operation.as_string(), line});
  }
}

constexpr size_t kTensorsOfALine = 64;

// Horovod before 0.16 named those that wait, tensor by tensor: "loss_0 [ready ranks: 3], grad_1 [ready ranks: 2, 0,
// 1]".
void ReadReady(std::string_view text, Collectives* found) {
  static const re2::RE2 kReady(R"(\[ready ranks: ?([\d, ]+)\])"), kNumber(R"((\d+))");
  std::vector<std::set<int32_t>> tensors;
  std::set<int32_t> all;
  re2::StringPiece rest = Piece(text), ranks, digits;
  while (tensors.size() < kTensorsOfALine && re2::RE2::FindAndConsume(&rest, kReady, &ranks)) {
    tensors.emplace_back();
    while (re2::RE2::FindAndConsume(&ranks, kNumber, &digits))
      tensors.back().insert(static_cast<int32_t>(Integer(digits).value_or(0)));
    all.insert(tensors.back().begin(), tensors.back().end());
  }
  for (const std::set<int32_t>& ready : tensors) {
    for (int32_t rank : all) {
      if (ready.count(rank) == 0) ++found->missing[rank];
    }
  }
}

// Horovod names the ranks that a tensor waits for: "…_0 [missing ranks: 1, 2]". NCCL, gloo's barrier and Ascend's
// collectives name the peer that does not do as the rest.
void ReadMissing(std::string_view text, Collectives* found) {
  static const re2::RE2 kMissing(
      R"(\[missing ranks: ?([\d, ]+)\]|\bRanks? (\d[\d, ]*) failed to pass monitoredBarrier)"),
      kNumber(R"((\d+))");
  re2::StringPiece ranks, late, digits;
  if (re2::RE2::PartialMatch(Piece(text), kMissing, &ranks, &late)) {
    if (ranks.empty()) ranks = late;
    while (re2::RE2::FindAndConsume(&ranks, kNumber, &digits))
      ++found->missing[static_cast<int32_t>(Integer(digits).value_or(0))];
  }
  static const re2::RE2 kPeer(
      R"(check your collective calls at and around rank (\d{1,6})\b|has not received the Notify record from remote rank ?\[(\d{1,6})\]|[Pp]lease check rank (\d{1,6}) logs for faulty rank)");
  re2::StringPiece peer[3];
  if (re2::RE2::PartialMatch(Piece(text), kPeer, &peer[0], &peer[1], &peer[2])) {
    for (const re2::StringPiece& number : peer) {
      if (!number.empty()) ++found->missing[static_cast<int32_t>(Integer(number).value_or(0))];
    }
  }
  ReadReady(text, found);
}

// Or it lists them, each with the tensors that wait for it: "6: [tensor.0, …]" below the heading.
bool IsHeadingOfStalled(std::string_view body) {
  return body.starts_with("Stalled ranks:") || body.starts_with("Missing ranks:");
}

bool ReadStalled(std::string_view body, Collectives* found) {
  static const re2::RE2 kStalled(R"(^(\d{1,6}): \[\w)");
  re2::StringPiece digits;
  if (!re2::RE2::PartialMatch(Piece(body), kStalled, &digits)) return false;
  ++found->missing[static_cast<int32_t>(Integer(digits).value_or(0))];
  return true;
}

std::optional<int32_t> RankOf(const Reading& reading, size_t line) {
  static const re2::RE2 kRank(R"(\bRank (\d+)\])");
  if (reading.ranks[line]) return reading.ranks[line];
  int32_t rank = 0;
  if (re2::RE2::PartialMatch(Piece(reading.text(line)), kRank, &rank)) return rank;
  return std::nullopt;
}

void ReadWorldSize(std::string_view text, Collectives* found) {
  static const re2::RE2 kWorld(
      R"((?i)world[_ ]size ?[:=]? ?(\d{1,6})\b|nranks[= ](\d{1,6})\b|MEMBER: \d+/(\d{1,6})\b|\b(?:global_world_sizes=\[|rank=\d+, size=|Num processes: )(\d{1,6})\b|Starting with (\d{1,6}) processes)");
  re2::StringPiece size[5];
  if (!re2::RE2::PartialMatch(Piece(text), kWorld, &size[0], &size[1], &size[2], &size[3], &size[4])) return;
  for (const auto& digits : size) {
    if (auto number = Integer(digits))
      found->world_size = std::max(found->world_size.value_or(0), static_cast<int32_t>(*number));
  }
}

// A watchdog tells whose timeout it heard of first: "due to a collective timeout from  rank 7".
void ReadNamedPeer(std::string_view text, Collectives* found) {
  static const re2::RE2 kPeer(R"(due to a collective timeout from +rank (\d{1,6}))");
  int32_t rank = 0;
  if (re2::RE2::PartialMatch(Piece(text), kPeer, &rank)) found->highest_named = std::max(found->highest_named, rank);
}

// The ranks whose operation at the lowest sequence number is not that of the most.
LateRanks FindOddOnes(const Collectives& collectives) {
  for (const auto& [sequence, issues] : collectives.issued) {
    std::map<std::string, std::vector<int32_t>> operations;
    for (const auto& [rank, issue] : issues) operations[issue.operation].push_back(rank);
    if (operations.size() < 2) continue;
    auto smaller = [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); };
    auto most = std::max_element(operations.begin(), operations.end(), smaller);
    auto least = std::min_element(operations.begin(), operations.end(), smaller);
    LateRanks odd;
    odd.mismatch = true;
    odd.why =
        "at collective " + std::to_string(sequence) + " it issued " + least->first + ", the others " + most->first;
    odd.line = issues.at(least->second.front()).line;
    if (least->second.size() < most->second.size()) odd.ranks = least->second;
    return odd;
  }
  return {};
}

// The ranks that most of the stalled tensors wait for. If they are more than the others, it is these that went ahead.
LateRanks FindMissing(const Reading& reading, const Collectives& collectives) {
  auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
  auto most = std::max_element(collectives.missing.begin(), collectives.missing.end(), less);
  if (most == collectives.missing.end()) return {};
  LateRanks late;
  for (const auto& [rank, times] : collectives.missing) {
    if (times == most->second) late.ranks.push_back(rank);
  }
  int32_t ranks = std::max(collectives.world_size.value_or(0), late.ranks.back() + 1);
  for (const auto& rank : reading.ranks) ranks = std::max(ranks, rank.value_or(0) + 1);
  if (late.ranks.size() > 1 && 2 * late.ranks.size() > static_cast<size_t>(ranks)) return {};
  late.why = "those that wait name it most";
  return late;
}

// Ranks that had nothing pending, or had done less than the rest, while others waited.
LateRanks FindThoseBehind(const Collectives& collectives) {
  std::vector<int32_t> idle, waiting;
  std::map<int64_t, std::vector<int32_t>> by_sequence;
  for (const auto& [rank, state] : collectives.ranks) {
    bool pends = state.enqueued && state.completed ? *state.enqueued > *state.completed : state.sequence.has_value();
    (pends ? waiting : idle).push_back(rank);
    if (state.sequence) by_sequence[*state.sequence].push_back(rank);
  }
  LateRanks late;
  if (!idle.empty() && idle.size() < waiting.size()) {
    late.ranks = idle;
    late.why = "it had nothing enqueued that was not completed, while the others waited";
  } else if (by_sequence.size() > 1) {
    const auto& [lowest, behind] = *by_sequence.begin();
    if (behind.size() * 2 <= waiting.size()) late.ranks = behind;
    late.mismatch = by_sequence.rbegin()->first - lowest == 1 && late.ranks.empty();
    late.why = "it waited in collective " + std::to_string(lowest) + ", the others in " +
               std::to_string(by_sequence.rbegin()->first);
  }
  if (!late.ranks.empty()) late.line = collectives.ranks.at(late.ranks.front()).line;
  return late;
}

// Ranks that print otherwise, or must exist, and did not report a timeout when most did.
LateRanks FindSilent(const Reading& reading, const Collectives& collectives) {
  std::set<int32_t> known;
  for (const auto& rank : reading.ranks) {
    if (rank) known.insert(*rank);
  }
  for (int32_t rank = 0; rank < collectives.world_size.value_or(0); ++rank) known.insert(rank);
  LateRanks late;
  for (int32_t rank : known) {
    if (collectives.ranks.count(rank) == 0) late.ranks.push_back(rank);
  }
  if (late.ranks.size() >= collectives.ranks.size()) return {};
  late.why = "every other rank reports that it waited";
  late.line = collectives.ranks.begin()->second.line;
  return late;
}

}  // namespace

Collectives FindCollectives(const Reading& reading) {
  Collectives found;
  bool lists_stalled = false;
  for (size_t i = 0; i < reading.bodies.size(); ++i) {
    std::string_view text = reading.text(i);
    ReadWorldSize(text, &found);
    ReadTrace(text, i, &found);
    if (text.find("CollectiveFingerPrint") != std::string_view::npos) ReadFingerprints(text, i, &found);
    ReadMissing(text, &found);
    ReadNamedPeer(text, &found);
    const std::string_view body = reading.bodies[i].text;
    lists_stalled = IsHeadingOfStalled(body) || (lists_stalled && ReadStalled(body, &found));
    bool told =
        text.find("WorkNCCL(SeqNum=") != std::string_view::npos || text.find("ast enqueued") != std::string_view::npos;
    auto rank = told ? RankOf(reading, i) : std::nullopt;
    if (!rank) continue;
    CollectiveState& state = found.ranks[*rank];
    bool first = !state.sequence;
    if (first) ReadWork(text, reading.read->lines[i].time, &state);
    if (first && state.sequence)
      found.issued[*state.sequence].try_emplace(*rank, Collectives::Issue{state.operation, i});
    if (first || state.line == 0) state.line = i;
    ReadStatus(text, &state);
  }
  return found;
}

LateRanks FindLateRanks(const Reading& reading, const Collectives& collectives) {
  if (auto by_dumps = CompareDumps(reading.read->dumps)) {
    return {by_dumps->ranks, by_dumps->kind == FlightDisagreement::Kind::kOther, by_dumps->why, LateRanks::kNoLine};
  }
  LateRanks late = FindMissing(reading, collectives);
  if (late.ranks.empty()) late = FindOddOnes(collectives);
  if (!late.why.empty() || collectives.ranks.size() < 2) return late;
  late = FindThoseBehind(collectives);
  if (late.ranks.empty() && !late.mismatch) late = FindSilent(reading, collectives);
  return late;
}

}  // namespace rankscope::diagnose
