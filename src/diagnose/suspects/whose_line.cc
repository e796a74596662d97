#include "diagnose/suspects/whose_line.h"

#include <re2/re2.h>

#include <algorithm>
#include <set>
#include <string>

namespace rankscope::diagnose {
namespace {

constexpr size_t kRepeats = 12;   // bytes; of less, others may say the same by chance
constexpr size_t kOnTheWay = 16;  // lines to an exception

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

// Prefixes may tell a process and its rank; of several nodes, two processes may have one number.
std::optional<int32_t> RankOfWriter(const Reading& reading, int64_t pid) {
  std::set<int32_t> ranks;
  for (size_t i = 0; i < reading.ranks.size(); ++i) {
    if (reading.ranks[i] && reading.read->lines[i].pid == pid) ranks.insert(*reading.ranks[i]);
  }
  return ranks.size() == 1 ? std::optional(*ranks.begin()) : std::nullopt;
}

}  // namespace

std::optional<int32_t> NamedRank(std::string_view text) {
  static const re2::RE2 kRank(
      R"((?i)\b(?:global_|local_)?rank\s?[:=#]?\s?r?(\d{1,6})\b|\(\w+\(\w+-(\d{1,6})\) pid=|/job:(?:jax_)?worker/replica:\d+/task:(\d{1,6}))");
  re2::StringPiece digits[3];
  if (!re2::RE2::PartialMatch(Piece(text), kRank, &digits[0], &digits[1], &digits[2])) return std::nullopt;
  for (const re2::StringPiece& number : digits) {
    if (!number.empty()) return std::atoi(number.as_string().c_str());
  }
  return std::nullopt;
}

std::optional<int32_t> WhoLeftErrorFile(const Reading& reading, const Suspect& cause) {
  std::string_view said = reading.bodies[cause.line].text;
  for (const ErrorFile& file : reading.read->error_files) {
    if (file.rank && !file.message.empty() && file.message.find(said) != std::string::npos) return file.rank;
  }
  return std::nullopt;
}

std::optional<int32_t> WhoRepeats(const Reading& reading, const Suspect& cause) {
  std::string_view said = reading.bodies[cause.line].text;
  const size_t colon = said.find(": ");
  if (cause.traceback == Traceback::kNone || colon == std::string_view::npos) return std::nullopt;
  said.remove_prefix(colon + 2);
  if (said.size() < kRepeats) return std::nullopt;
  std::optional<int32_t> who;
  for (size_t i = 0; i < reading.bodies.size(); ++i) {
    if (!reading.ranks[i] || reading.bodies[i].text.find(said) == std::string_view::npos) continue;
    if (who && who != reading.ranks[i]) return std::nullopt;
    who = reading.ranks[i];
  }
  return who;
}

std::optional<int32_t> RankAbove(const Reading& reading, size_t line) {
  constexpr size_t kHeader = 6;
  for (size_t back = 1; back <= std::min(line, kHeader); ++back) {
    if (auto rank = NamedRank(reading.text(line - back))) return rank;
  }
  return std::nullopt;
}

std::optional<int32_t> RankBelow(const Reading& reading, size_t line) {
  static const re2::RE2 kRank(R"((?:did not receive grad for|^Process Group destroyed on) rank (\d{1,6}))");
  constexpr size_t kMessage = 6;
  int32_t rank = 0;
  for (size_t i = line; i < std::min(line + kMessage, reading.bodies.size()); ++i) {
    if (re2::RE2::PartialMatch(Piece(reading.text(i)), kRank, &rank)) return rank;
  }
  return std::nullopt;
}

std::optional<int32_t> ActorThatDied(const Reading& reading) {
  static const re2::RE2 kActor(R"(^name: \w*WorkerDict_(\d{1,6}):(\d{1,6}))");
  std::optional<int32_t> died;
  int32_t node = 0, place = 0;
  for (const LineBody& body : reading.bodies) {
    if (!re2::RE2::PartialMatch(Piece(body.text), kActor, &node, &place)) continue;
    if (node > 0 || died.value_or(place) != place) return std::nullopt;
    died = place;
  }
  return died;
}

std::optional<int32_t> NamedAlike(const Reading& reading, const Suspect& cause, const std::vector<Suspect>& suspects) {
  std::set<int32_t> named;
  for (const Suspect& suspect : suspects) {
    if (suspect.failure != cause.failure || suspect.kind != cause.kind || suspect.role == Role::kOutcome) continue;
    if (auto rank = NamedRank(reading.text(suspect.line))) named.insert(*rank);
  }
  return named.size() == 1 ? std::optional(*named.begin()) : std::nullopt;
}

std::optional<int32_t> RankOfPid(const Reading& reading, size_t line) {
  static const re2::RE2 kPid(R"((?i)\b(?:pid=|worker pid: )(\d{1,9})\b|killed process (\d{1,9})\b)");
  re2::StringPiece digits[2];
  if (!re2::RE2::PartialMatch(Piece(reading.text(line)), kPid, &digits[0], &digits[1])) return std::nullopt;
  const std::string pid = "(pid: " + (digits[0].empty() ? digits[1] : digits[0]).as_string() + ")";
  for (const Exit& exit : reading.exits) {
    bool its = reading.text(exit.line).find(pid) != std::string_view::npos ||
               reading.text(exit.code_line).find(pid) != std::string_view::npos;
    if (auto rank = RankOf(exit); its && rank) return rank;
  }
  return RankOfWriter(reading, std::atoll((digits[0].empty() ? digits[1] : digits[0]).as_string().c_str()));
}

std::optional<int32_t> WhoRaisedBelow(const Reading& reading, const Suspect& cause) {
  const bool own = cause.role <= Role::kSymptom && cause.traceback == Traceback::kNone;
  if (!own || cause.failure == "nccl_system_error" || cause.failure == "rendezvous_failed") return std::nullopt;
  const auto& lines = reading.read->lines;
  std::optional<int32_t> who;
  bool follows = false;
  for (const Traceback& traceback : reading.tracebacks.all) {
    const auto& rank = reading.ranks[traceback.begin];
    if (!rank || (who && who != rank)) return std::nullopt;
    who = rank;
    follows |= traceback.begin > cause.line && traceback.begin <= cause.line + kOnTheWay &&
               lines[traceback.begin].file == lines[cause.line].file;
  }
  return follows ? who : std::nullopt;
}

}  // namespace rankscope::diagnose
