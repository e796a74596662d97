#include "diagnose/suspects/hang.h"

#include <re2/re2.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "diagnose/reading/stacks.h"

namespace rankscope::diagnose {
namespace {

template <typename... Parts>
bool Matches(std::string_view text, const re2::RE2& regex, Parts*... parts) {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex, parts...);
}

// That it is the only process, in the words of those that can be several.
bool SaysItIsAlone(std::string_view text) {
  static const re2::RE2 regex(
      R"((?i)\bnot using distributed|\bdistributed\W{1,3}(?:\w+\W{1,3}){0,2}(?:no|none|false|off)\b|\b0-D device mesh|\b(?:world.?size|num.?processes)\W{1,3}1\b|\bMEMBER: 1/1\b|\bStarting with 1 process)");
  return Matches(text, regex);
}

// What launches say just before they wait for others, or for a lock.
bool SaysItWaits(std::string_view text) {
  // torch's note on the device of a barrier comes as well where all ranks meet; what is done waits for nobody.
  static const re2::RE2 over(
      R"(perform barrier as devices|(?i:\b(?:completed|finished)\b|\bdone (?:with|in|waiting)\b|\bdone\W*$))");
  if (Matches(text, over) || SaysItIsAlone(text)) return false;
  static const re2::RE2 regex(
      R"(Waiting in store based barrier|Added key: store_based_barrier|Initializing distributed: GLOBAL_RANK|initializing (?:ddp|distributed|torch distributed)|distributed processes registered|as PyTorch extensions root|(?i:setting up distributed|waiting for (?:all |other )?(?:ranks?|workers?|nodes?|process\w*|peers?|clients|master)|init_process_group|rendezvous|barrier|joining|initializing process group|NCCL INFO .*(?:Init START|Connected all|Trees|Ring \d|Channel|via)|calling callback hook|Detected CUDA files|Loading extension module|backend initialization is taking more than))");
  return Matches(text, regex);
}

// How many of a log's last lines may be other ranks' noise.
constexpr size_t kLastLines = 6;

// Its launcher saw a process fail, or its peers a rank go.
bool HasLostARank(const Reading& reading) {
  return !reading.exits.empty() ||
         std::any_of(reading.sightings.begin(), reading.sightings.end(), [](const Sighting& sighting) {
           return sighting.signature->role == Role::kCascade && sighting.signature->kind == "peer closed";
         });
}

// What NCCL says last is that it takes its communicators down.
bool IsTornDown(const Reading& reading) {
  static const re2::RE2 kDestroyed(R"(NCCL INFO .*\b(?:Destroy|Abort) COMPLETE)"),
      kClosing(R"(NCCL INFO .*(?:\bClosing\b|\bUnloading\b|Service))");
  for (size_t i = reading.bodies.size(); i-- > 0;) {
    const std::string_view text = reading.bodies[i].text;
    if (text.find("NCCL INFO") == std::string_view::npos || Matches(text, kClosing)) continue;
    return Matches(text, kDestroyed);
  }
  return false;
}

// A bar at its beginning is no step.
bool HasStepped(const Reading& reading) {
  return std::any_of(reading.points.begin(), reading.points.end(), [](const Point& point) {
    return point.loss || point.throughput || !point.step || *point.step > 0;
  });
}

// What a process says it is about to do, or, where it is one of several, who it is: as a last word, that it has not got
// further.
bool IsUnderWay(std::string_view text) {
  static const re2::RE2 over(
      R"((?i)\b(?:completed?|finished|successfully|took|exiting|done|saved|results?)\b|\b(?:upload|report|shut|teardown|stop|serv)|warn|nccl info net/(?:socket|plugin) ?:)");
  if (Matches(text, over)) return false;
  static const re2::RE2 regex(
      R"((?i)\b(?:load|build|compil|initiali[sz]|prepar|connect|launch|spawn|synchroni[sz]|compress|wrapp|shard|tokeni[sz]|warm|allocat|mapp)ing\b|\b(?:rank|process_id)\b\W{0,3}\d+.{0,20}\b(?:size|of|member|world\w*)\b|distributed init|^\W*running\b|all.?reduc(?:es?|ing|tions?)\b|\bstart(?:ing)? training\b|\bNCCL INFO\b)");
  return Matches(text, regex);
}

// A last word that says outright that it waits for what is not there, or a bar that has not moved.
bool HasNotMoved(std::string_view text) {
  // Servers wait for work, and what has ended for its uploads.
  static const re2::RE2 idle(R"((?i)\bwandb\b|\b(?:requests?|connections|jobs?|startup)\b|\bfinish)");
  if (Matches(text, idle)) return false;
  static const re2::RE2 regex(
      R"((?i)\b(?:retrying|trying again|still waiting|keep waiting|waiting for)\b|\bnot (?:up|ready|available|reachable) yet\b|\b0%\|[^|]*\| *0/\d)");
  return Matches(text, regex);
}

// "Normally distributed", "distributed under", Dask's loggers.
bool IsDistributedOtherwise(std::string_view text) {
  static const re2::RE2 regex(R"((?i)ly distributed\b|\bdistributed under\b|^distributed\.\w+)");
  return Matches(text, regex);
}

bool AnyLine(const Reading& reading, const std::function<bool(std::string_view)>& says) {
  return std::any_of(reading.bodies.begin(), reading.bodies.end(),
                     [&](const LineBody& body) { return says(body.text); });
}

// Several processes work together in it.
bool IsDistributed(const Reading& reading) {
  static const re2::RE2 several(R"((?i)(?:world.?size|num_processes)\W{0,3}(?:[2-9]|\d\d)|\brank\W{0,3}\d+ (?:of|/))"),
      named(R"((?i)\bnccl\b|\bgloo\b|torchrun|\bdistributed\b|\bdevice mesh\b)");
  std::set<int32_t> ranks;
  for (const auto& rank : reading.ranks) {
    if (rank) ranks.insert(*rank);
  }
  if (ranks.size() > 1 || AnyLine(reading, [](auto text) { return Matches(text, several); })) return true;
  return !AnyLine(reading, SaysItIsAlone) &&
         AnyLine(reading, [](auto text) { return Matches(text, named) && !IsDistributedOtherwise(text); });
}

// Each process that NCCL speaks of has begun a communicator, and said nothing more.
bool AllHaveBegunACommunicator(const Reading& reading) {
  static const re2::RE2 kWriter(R"((\S+:\d+):\d+ \[\d+\] .*\bNCCL (?:INFO|WARN))");
  std::map<std::string, bool> begun;  // by host and process
  std::string writer;
  for (const LineBody& body : reading.bodies) {
    if (Matches(body.text, kWriter, &writer)) begun[writer] = body.text.ends_with("Init START");
  }
  return !begun.empty() && std::all_of(begun.begin(), begun.end(), [](const auto& process) { return process.second; });
}

// Somebody's excerpt of how NCCL set itself up, or its own tests (all_reduce_perf), which says nothing of a job: it may
// have gone on.
bool IsOfNcclAlone(const Reading& reading) {
  static const re2::RE2 kOfNccl(R"(^\W*$|\bNCCL (?:INFO|WARN|version)\b|^#|\b\w+_perf\b)");
  return !AnyLine(reading, [](auto text) { return !Matches(text, kOfNccl); }) && !AllHaveBegunACommunicator(reading);
}

// From the line on it did what it was started for, if not in steps. Who has loaded is not done.
bool HasFilledABar(const Reading& reading, size_t from) {
  static const re2::RE2 preparing(R"(^\W*(?:Loading|Fetching|Downloading)\b)");
  const auto begin = reading.bodies.begin() + static_cast<std::ptrdiff_t>(from);
  return std::any_of(begin, reading.bodies.end(), [](const LineBody& body) {
    return body.text.find("100%|") != std::string_view::npos && !Matches(body.text, preparing);
  });
}

constexpr int kWaits = 46;
// Less than whatever else is said of a failure.
constexpr int kStopsShort = 30;

Suspect Stalled(const Reading& reading, size_t line, int score, std::string why) {
  return {line, "process_hung", "start", Role::kSymptom, score, reading.ranks[line], Traceback::kNone, std::move(why)};
}

std::optional<size_t> LastWord(const Reading& reading) {
  size_t end = reading.bodies.size();
  auto says_nothing = [&](std::string_view text) {
    return text.find_first_not_of("-=*# ") == std::string_view::npos || text.starts_with("warnings.warn(");
  };
  while (end > 0 && says_nothing(reading.bodies[end - 1].text)) --end;
  return end == 0 ? std::nullopt : std::optional(end - 1);
}

// A launch, that has said nothing of a step yet, ends in a wait.
std::optional<Suspect> FindStalledLaunch(const Reading& reading) {
  if (HasStepped(reading) || !reading.finished.empty() || HasLostARank(reading) || IsTornDown(reading) ||
      IsOfNcclAlone(reading))
    return std::nullopt;
  const std::optional<size_t> last = LastWord(reading);
  if (!last) return std::nullopt;
  const size_t count = reading.bodies.size();
  for (size_t back = 1; back <= std::min(count, kLastLines); ++back) {
    size_t line = count - back;
    // The call that failed stands in its traceback.
    if (reading.tracebacks.is_inside[line] || !SaysItWaits(reading.bodies[line].text)) continue;
    if (HasFilledABar(reading, line)) return std::nullopt;
    return Stalled(reading, *last, kWaits, "the log ends before the first step, while ranks wait");
  }
  if (reading.tracebacks.is_inside[*last]) return std::nullopt;
  const std::string_view text = reading.bodies[*last].text;
  const bool under_way = IsUnderWay(text) && IsDistributed(reading);
  if (!HasNotMoved(text) && !under_way) return std::nullopt;
  if (HasFilledABar(reading, 0)) return std::nullopt;
  return Stalled(reading, *last, kStopsShort, "the log ends before the first step");
}

// The first line from it on in its file that has a time of its own.
std::optional<base::TimeNs> NotAfter(const Reading& reading, size_t line) {
  const auto& lines = reading.read->lines;
  for (size_t i = line; i < lines.size() && lines[i].file == lines[line].file; ++i) {
    if (lines[i].timed) return lines[i].time;
  }
  return std::nullopt;
}

// A dump of a job that trained on, or ended well, says only where it stood. Its own lines have no times: minutes may
// lie between it and the line before it, so that of other files only what follows a later line follows it.
bool TrainedOn(const Reading& reading, size_t line) {
  const auto& lines = reading.read->lines;
  const std::optional<base::TimeNs> until = NotAfter(reading, line);
  auto follows = [&](size_t other) {
    if (lines[other].file == lines[line].file) return reading.positions[other] > reading.positions[line];
    return until && lines[other].time > until;
  };
  return std::any_of(reading.finished.begin(), reading.finished.end(), follows) ||
         std::any_of(reading.points.begin(), reading.points.end(), [&](const Point& p) { return follows(p.line); });
}

// The innermost frame of the main thread in a dump of py-spy, faulthandler or gdb: of the rank or process that stands
// elsewhere than the others, else of the first.
std::optional<Suspect> FindStandingStack(const Reading& reading) {
  static const re2::RE2 kThread(
      R"(^Thread (?:0x)?[0-9a-fA-F]+ ?\((?:idle|active|most recent call first|Thread 0x)|^Current thread 0x)");
  if (OddStacks odd = FindOddStacks(reading); !odd.ranks.empty()) {
    if (TrainedOn(reading, odd.line)) return std::nullopt;
    const char* failure = odd.collectives ? "collective_mismatch_hang" : "process_hung";
    return Suspect{odd.line, failure, "stack", Role::kSymptom, 58, odd.ranks.front(), Traceback::kNone, ""};
  }
  if (OddStacks odd = FindOddProcesses(reading); !odd.ranks.empty() && !TrainedOn(reading, odd.line)) {
    const std::string who = "process " + std::to_string(odd.ranks.front()) + ": ";
    return Suspect{odd.line, "process_hung", "stack", Role::kSymptom, 57, {}, Traceback::kNone, who + odd.why};
  }
  const std::set<size_t> of_deaths = DumpsOfDeaths(reading);
  for (size_t i = 0; i + 1 < reading.bodies.size(); ++i) {
    if (!Matches(reading.bodies[i].text, kThread) || TrainedOn(reading, i) || of_deaths.count(i) > 0) continue;
    const size_t line = InnermostFrame(reading, i);
    return Suspect{line, "process_hung",      "stack",          Role::kSymptom,
                   56,   reading.ranks[line], Traceback::kNone, "the innermost frame of the thread that stands still"};
  }
  return std::nullopt;
}

}  // namespace

std::vector<int32_t> WhoHasNotCome(const Reading& reading) {
  struct Words {
    size_t last = 0;  // its place
    bool waits = false, ever = false;
  };
  std::map<int32_t, Words> ranks;
  for (size_t i = 0; i < reading.bodies.size(); ++i) {
    if (!reading.ranks[i] || reading.bodies[i].text.empty()) continue;
    Words& words = ranks[*reading.ranks[i]];
    const bool waits = SaysItWaits(reading.bodies[i].text);
    words.ever = words.ever || waits;
    if (reading.positions[i] >= words.last) words = {reading.positions[i], waits, words.ever};
  }
  std::vector<int32_t> others;
  size_t waiting = 0;
  for (const auto& [rank, words] : ranks) {
    waiting += words.waits ? 1 : 0;
    if (!words.ever) others.push_back(rank);
  }
  const bool known = waiting + others.size() == ranks.size() && 2 * others.size() <= waiting;
  return known ? others : std::vector<int32_t>();
}

// The dump of a fatal signal begins with the signal, and ends with the modules: where it is cut, either tells.
std::set<size_t> DumpsOfDeaths(const Reading& reading) {
  using Writer = std::pair<uint32_t, std::optional<int32_t>>;
  std::set<Writer> died;
  std::map<Writer, std::vector<size_t>> dumps;
  std::set<size_t> steps, lines;
  for (const Point& point : reading.points) steps.insert(point.line);
  for (size_t i = 0; i < reading.bodies.size(); ++i) {
    const Writer writer(reading.read->lines[i].file, reading.ranks[i]);
    const std::string_view text = reading.bodies[i].text;
    if (text.starts_with("Fatal Python error: ")) died.insert(writer);
    if (text.starts_with("Extension modules: ")) lines.insert(dumps[writer].begin(), dumps[writer].end());
    if (steps.count(i) > 0) {  // begun again
      died.erase(writer);
      dumps.erase(writer);
    }
    if (!text.ends_with("(most recent call first):")) continue;
    if (died.count(writer) > 0) lines.insert(i);
    dumps[writer].push_back(i);
  }
  return lines;
}

std::optional<Suspect> FindHang(const Reading& reading) {
  if (auto stack = FindStandingStack(reading)) return stack;
  return FindStalledLaunch(reading);
}

}  // namespace rankscope::diagnose
