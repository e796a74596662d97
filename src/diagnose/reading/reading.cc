#include "diagnose/reading/reading.h"

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "diagnose/reading/own_frame.h"
#include "diagnose/reading/report_rank.h"
#include "diagnose/reading/section_rank.h"
#include "diagnose/reading/trailing_rank.h"
#include "diagnose/signatures/signature_set.h"

namespace rankscope::diagnose {
namespace {

// "rank      : 3 (local_rank: 1)", as of a node that is not the first.
bool TellsOtherNode(const Line& line) {
  static const re2::RE2 kRow(R"(\brank\s*: (\d{1,6}) \(local_rank: (\d{1,6})\))");
  if (line.node_rank.value_or(0) > 0) return true;
  if (line.text.find("(local_rank: ") == std::string_view::npos) return false;
  int32_t rank = 0, local = 0;
  return re2::RE2::PartialMatch(re2::StringPiece(line.text.data(), line.text.size()), kRow, &rank, &local) &&
         rank != local;
}

// Which rank a process is: some of its lines may tell both, and Ray Train lists its workers when it has started them:
// "- (node_id=5c1, ip=10.0.0.4, pid=810) world_rank=2, …".
class RanksOfProcesses {
 public:
  explicit RanksOfProcesses(const Case& read) {
    static const re2::RE2 kRow(
        R"(^- \((?:node_id=\w+, )?ip=[\w.:]+, pid=(\d{1,9})\) (?:world_)?rank=(\d{1,6}), local_rank=)");
    int64_t pid = 0;
    int32_t rank = 0;
    for (const Line& line : read.lines) {
      if (line.pid && line.rank) ranks_[*line.pid].insert(*line.rank);
      if (re2::RE2::PartialMatch(re2::StringPiece(line.text.data(), line.text.size()), kRow, &pid, &rank))
        ranks_[pid].insert(rank);
    }
  }

  // None where processes of two nodes have the same number.
  std::optional<int32_t> RankOf(const Line& line) const {
    auto found = line.pid ? ranks_.find(*line.pid) : ranks_.end();
    return found != ranks_.end() && found->second.size() == 1 ? std::optional(*found->second.begin()) : std::nullopt;
  }

 private:
  std::map<int64_t, std::set<int32_t>> ranks_;  // by pid
};

void ReadSpeakers(Reading* reading) {
  // A local rank is a global one where there is one node only.
  const bool one_node = std::none_of(reading->read->lines.begin(), reading->read->lines.end(), TellsOtherNode);
  const RanksOfProcesses processes(*reading->read);
  SectionRank sections;
  for (const Line& line : reading->read->lines) {
    reading->bodies.push_back(ReadLineBody(line.text));
    const std::optional<int32_t> section = sections.Take(line.file, line.text);
    if (!line.rank && !reading->bodies.back().rank) reading->bodies.back().rank = section;
    std::optional<int32_t> rank = line.rank ? line.rank : reading->bodies.back().rank;
    if (!rank && one_node) rank = line.local_rank;
    if (!rank) rank = processes.RankOf(line);
    reading->ranks.push_back(rank);
  }
}

// A logger names the rank before what it writes, and the traceback goes on without: its lines, one after the other. It
// begins on that line, or on the next below an error.
class HeadedTraceback {
 public:
  // Whose the line without a rank is.
  std::optional<int32_t> Take(const LineBody& body) {
    const bool head = IsHead(body.text);
    if (state_ == State::kAbove && !head) rank_.reset();
    if (state_ == State::kHead && !body.text.starts_with("File \"")) rank_.reset();
    if (state_ == State::kOver && !body.text.empty() && !head && !GoesOn(body.text)) rank_.reset();
    if (head) {
      state_ = State::kHead;
    } else if (state_ != State::kOver) {
      state_ = body.indented.starts_with(" ") || body.text.empty() ? State::kFrames : State::kOver;
    }
    return rank_;
  }
  void Begin(const LineBody& body, std::optional<int32_t> rank) {
    const bool head = IsHead(body.text);
    const bool error = body.level == 'E' || body.level == 'F' || AnnouncesException(body.text);
    rank_ = head || error ? rank : std::nullopt;
    state_ = head ? State::kHead : State::kAbove;
  }

 private:
  enum class State { kAbove, kHead, kFrames, kOver };
  static bool GoesOn(std::string_view text) {
    return text.find("During handling of the above exception") != std::string_view::npos ||
           text.find("The above exception was the direct cause") != std::string_view::npos;
  }
  // "Exception in run_tp_server:"
  static bool AnnouncesException(std::string_view text) {
    return (text.ends_with(":") && (text.starts_with("Exception ") || text.starts_with("Error "))) ||
           text.starts_with("Exception in device=");
  }
  static bool IsHead(std::string_view text) { return text.ends_with("Traceback (most recent call last):"); }

  std::optional<int32_t> rank_;
  State state_ = State::kOver;
};

// "Exception in device=TPU:3: …" of torch_xla's launcher; an error "… from host with rank id: 2".
std::optional<int32_t> AnnouncedRank(const LineBody& body) {
  static const re2::RE2 kDevice(R"(^Exception in device=[A-Z]+:(\d{1,6})\b)"), kError(R"(\brank id: ?(\d{1,6})\s*$)");
  const re2::StringPiece text(body.text.data(), body.text.size());
  int32_t rank = 0;
  const bool announced = re2::RE2::PartialMatch(text, kDevice, &rank) ||
                         (body.level == 'E' && re2::RE2::PartialMatch(text, kError, &rank));
  return announced ? std::optional(rank) : std::nullopt;
}

void GiveTracebacksTheRankOfTheirHead(Reading* reading) {
  HeadedTraceback traceback;
  for (size_t i = 0; i < reading->bodies.size(); ++i) {
    LineBody& body = reading->bodies[i];
    const bool follows = i > 0 && reading->read->lines[i].file == reading->read->lines[i - 1].file;
    if (!reading->ranks[i]) reading->ranks[i] = body.rank = AnnouncedRank(body);
    if (reading->ranks[i] || !follows) {
      traceback.Begin(body, reading->ranks[i]);
    } else if (auto rank = traceback.Take(body)) {
      reading->ranks[i] = body.rank = rank;
    }
  }
}

void OrderByTime(Reading* reading) {
  const std::vector<Line>& lines = reading->read->lines;
  std::vector<size_t> order(lines.size());
  std::iota(order.begin(), order.end(), size_t{0});
  // Lines before the first time of their file count as written at that time.
  std::vector<base::TimeNs> times(lines.size(), 0);
  for (size_t i = lines.size(); i-- > 0;) {
    bool same_file = i + 1 < lines.size() && lines[i + 1].file == lines[i].file;
    times[i] = lines[i].time ? *lines[i].time : same_file ? times[i + 1] : 0;
  }
  // What stands later in a file was written later, whatever its clock says.
  for (size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].file == lines[i - 1].file) times[i] = std::max(times[i], times[i - 1]);
  }
  if (reading->read->files.size() > 1) {
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return times[a] < times[b]; });
  }
  reading->positions.resize(lines.size());
  for (size_t place = 0; place < order.size(); ++place) reading->positions[order[place]] = place;
}

// Known by the place of an exception, not by its words.
bool IsByPlace(const Signature* signature) { return signature->role == Role::kSymptom && !signature->frames.empty(); }

bool IsOfPeers(const Signature* signature) {
  bool launcher = signature->failure == "python_exception_one_rank";
  return (signature->role == Role::kCascade && !launcher) || signature->failure == "gloo_error" ||
         signature->failure == "nccl_timeout";
}

// That some exception was raised says less than whatever else is known of its line, and where a collective failed less
// than that it did.
const Signature* MostSpecific(std::vector<const Signature*> found) {
  if (!std::all_of(found.begin(), found.end(), IsAnyException)) std::erase_if(found, IsAnyException);
  if (std::any_of(found.begin(), found.end(), IsOfPeers))
    std::erase_if(found, [](const Signature* s) { return IsByPlace(s) || s->kind == "SIGABRT"; });
  auto best = std::max_element(found.begin(), found.end(),
                               [](const Signature* a, const Signature* b) { return a->weight < b->weight; });
  return best == found.end() ? nullptr : *best;
}

// Whatever a traceback ends with is an exception, also one whose name does not say so.
constexpr Signature kUnnamed = {"python_exception_one_rank", "exception", Role::kSymptom, 44, ""};

// What a sample of a GPU, a host or a port tells is told by its course: a power cap for ten seconds is nothing, and the
// names of counters are the words of failures.
bool IsSample(std::string_view text) {
  constexpr std::string_view kMarks[] = {"\"gpu_uuid\":", "\"stream\":\"gpu\"", "\"stream\":\"host\"", "\"switch\":"};
  auto has = [&](std::string_view mark) { return text.find(mark) != std::string_view::npos; };
  return text.starts_with('{') && std::any_of(std::begin(kMarks), std::end(kMarks), has);
}

// Behind these words Ray lists whatever ends processes.
std::string_view WithoutGuesses(std::string_view text) {
  return text.substr(
      0, std::min(text.find("There are some potential root causes"), text.find("Some common causes include: (1)")));
}

// What an exception says may stand below its name, as rich wraps it: some lines of the same writer.
bool IsWrapped(std::string_view exception) {
  const size_t last = exception.find_last_not_of(' ');
  return last != std::string_view::npos && last == exception.find(':');
}

// Or Ascend's codes follow, "EI9999: …": what its runtime says of a call that failed.
bool IsExplainedBelow(const Reading& reading, size_t exception) {
  static const re2::RE2 kCode(R"(^E[A-Z]\d{4}: )");
  const auto& lines = reading.read->lines;
  const size_t next = exception + 1;
  if (next >= lines.size() || lines[next].file != lines[exception].file) return false;
  const std::string_view text = reading.bodies[next].text;
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kCode);
}

std::string_view Trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

std::string WrappedMessage(const Reading& reading, size_t exception) {
  constexpr size_t kLines = 4;
  const auto& lines = reading.read->lines;
  std::string message(Trimmed(reading.bodies[exception].text));
  for (size_t i = exception + 1; i < std::min(lines.size(), exception + 1 + kLines); ++i) {
    if (lines[i].file != lines[exception].file || reading.ranks[i] != reading.ranks[exception]) break;
    if (reading.tracebacks.is_inside[i] || reading.ends.count(i) > 0 || reading.bodies[i].level != 0) break;
    // The source that gloo puts before its words looks like a logger's.
    message.append(" ").append(Trimmed(WithoutGuesses(reading.text(i))));
  }
  return message;
}

// Who logs an exception may put its words, and whatever else there is, before the traceback on the same line.
void FindBeforeTraceback(size_t line, Reading* reading) {
  const std::string_view text = reading->bodies[line].text;
  const std::string_view before = text.substr(0, text.find("Traceback (most recent call last)"));
  const size_t space = before.find(' ');
  // A notebook begins with the exception's name and spaces.
  if (before.size() == text.size() || space == before.npos || before.substr(space).starts_with("  ")) return;
  std::vector<const Signature*> found;
  SignatureSet::Shipped().Match(before, nullptr, &found);
  if (const Signature* signature = MostSpecific(found))
    reading->sightings.push_back({line, signature, Traceback::kNone});
}

void FindSightings(Reading* reading) {
  std::vector<const Signature*> found;
  for (size_t i = 0; i < reading->bodies.size(); ++i) {
    if (IsSample(reading->bodies[i].text)) continue;
    if (reading->tracebacks.is_inside[i]) {
      FindBeforeTraceback(i, reading);
      continue;
    }
    auto end = reading->ends.find(i);
    size_t traceback = end == reading->ends.end() ? Traceback::kNone : end->second;
    if (traceback != Traceback::kNone && reading->tracebacks.all[traceback].ignored) continue;
    const std::string* frames = traceback == Traceback::kNone ? nullptr : &reading->tracebacks.all[traceback].frames;
    std::string_view text = WithoutGuesses(reading->bodies[i].text);
    const bool wrapped = traceback != Traceback::kNone && (IsWrapped(text) || IsExplainedBelow(*reading, i));
    SignatureSet::Shipped().Match(wrapped ? WrappedMessage(*reading, i) : text, frames, &found);
    const Signature* signature = MostSpecific(found);
    if (!signature && traceback != Traceback::kNone) signature = &kUnnamed;
    if (signature) reading->sightings.push_back({i, signature, traceback});
  }
}

// Of a traceback that is cut off, the last line of the user's own code stands for the exception; where all is of
// libraries, the last line of code.
size_t InnermostOwnLine(const Reading& reading, const Traceback& cut) {
  size_t own = cut.begin, last = cut.begin;
  for (size_t i = cut.begin; i < reading.bodies.size() && reading.tracebacks.is_inside[i]; ++i) {
    if (reading.ranks[i] != reading.ranks[cut.begin]) continue;
    std::string_view text = reading.bodies[i].text;
    const bool underline = text.find_first_not_of("^~ ") == std::string_view::npos;
    if (!text.starts_with("File \"") && !underline) last = i;
    if (IsOwnFrame(text) && i + 1 < reading.bodies.size()) own = i + 1;
  }
  return own == cut.begin ? last : own;
}

// The exception that the last line of a cut traceback raises, as it would have been printed: "raise ValueError(f"no
// shard {name}"" is "ValueError: no shard 0". Of one whose line tells no message, its name.
std::string RaisedByLastLine(const Traceback& cut) {
  static const re2::RE2 kRaise(
      R"re(\n\s*raise (?:[\w.]+\.)?([A-Z]\w*)\((?:[rf]{0,2}(?:"([^"\n]*)|'([^'\n]*)))?[^\n]*\n*$)re"),
      kPlace(R"(%[sdrf]|\{[^{}]*\})");
  std::string name, quoted, single;
  if (!re2::RE2::PartialMatch(cut.frames, kRaise, &name, &quoted, &single)) return "RuntimeError: ";
  std::string message = quoted.empty() ? single : quoted;
  re2::RE2::GlobalReplace(&message, kPlace, "0");
  return name + ": " + message;
}

// What a launcher raises is that a process of its ended.
bool IsOfLauncher(const Traceback& traceback) {
  constexpr std::string_view kFiles[] = {"torch/distributed/run.py", "torch/distributed/launch", "commands/launch.py",
                                         "deepspeed/launcher"};
  return std::any_of(std::begin(kFiles), std::end(kFiles),
                     [&](std::string_view file) { return traceback.frames.find(file) != std::string::npos; });
}

// What the places in its frames tell.
void FindCutTracebacks(Reading* reading) {
  std::vector<const Signature*> found;
  for (size_t i = 0; i < reading->tracebacks.all.size(); ++i) {
    const Traceback& traceback = reading->tracebacks.all[i];
    if (traceback.exception != Traceback::kNone || traceback.ignored || traceback.frames.empty()) continue;
    SignatureSet::Shipped().Match(RaisedByLastLine(traceback), &traceback.frames, &found);
    const Signature* signature = MostSpecific(found);
    if (signature && !(IsAnyException(signature) && IsOfLauncher(traceback))) {
      reading->sightings.push_back({InnermostOwnLine(*reading, traceback), signature, i});
    }
  }
  std::stable_sort(reading->sightings.begin(), reading->sightings.end(),
                   [](const Sighting& a, const Sighting& b) { return a.line < b.line; });
}

// A launcher that had one process alone says so when that fails: what is raised in its file is of that one. Below a
// local rank that is not the first there are others, which ended well.
std::optional<int32_t> OnlyProcessOf(const Reading& reading, uint32_t file) {
  std::set<std::optional<int32_t>> ranks;
  size_t exit_line = 0;
  for (const Exit& exit : reading.exits) {
    if (reading.read->lines[exit.line].file != file) continue;
    if (exit.local_rank.value_or(0) > 0) return std::nullopt;
    ranks.insert(RankOf(exit));
    exit_line = exit.line;
  }
  if (ranks.size() != 1) return std::nullopt;
  const auto& lines = reading.read->lines;
  bool alone = false, ended = false;
  auto look = [&](size_t line) {
    alone = alone || reading.bodies[line].text.starts_with("<NO_OTHER_FAILURES>");
    ended = ended || lines[line].text.find("closing signal SIG") != std::string_view::npos;
  };
  for (size_t i = exit_line; i < lines.size() && lines[i].file == file; ++i) look(i);
  for (size_t i = exit_line; i > 0 && lines[i - 1].file == file; --i) look(i - 1);
  return alone && !ended ? *ranks.begin() : std::nullopt;
}

void NameWhoRaised(Reading* reading) {
  std::map<uint32_t, std::optional<int32_t>> only;
  for (size_t i = 0; i < reading->ranks.size(); ++i) {
    const uint32_t file = reading->read->lines[i].file;
    if (reading->ranks[i] || (!reading->tracebacks.is_inside[i] && reading->ends.count(i) == 0)) continue;
    auto [known, fresh] = only.try_emplace(file);
    if (fresh) known->second = OnlyProcessOf(*reading, file);
    reading->ranks[i] = known->second;
  }
}

// Below what torch_npu raises it says whose it is: "[ERROR] 2026-02-03-10:00:07 (PID:5120, Device:3, RankID:3)
// ERR02200".
void NameByTheLineBelow(Reading* reading) {
  for (const Traceback& traceback : reading->tracebacks.all) {
    const size_t below = traceback.exception + 1;
    if (traceback.exception == Traceback::kNone || below >= reading->ranks.size()) continue;
    if (reading->ranks[traceback.exception] || reading->text(below).find(", RankID:") == std::string_view::npos)
      continue;
    for (size_t i = traceback.begin; i < below; ++i) {
      const bool its = i + 1 == below || reading->tracebacks.is_inside[i];
      if (its && !reading->ranks[i]) reading->ranks[i] = reading->ranks[below];
    }
  }
}

}  // namespace

Reading Understand(const Case& read) {
  Reading reading(read);
  ReadSpeakers(&reading);
  NameLinesByTrailingRank(&reading);
  GiveTracebacksTheRankOfTheirHead(&reading);
  OrderByTime(&reading);
  reading.tracebacks = FindTracebacks(read, reading.bodies);
  for (size_t i = 0; i < reading.tracebacks.all.size(); ++i) {
    size_t exception = reading.tracebacks.all[i].exception;
    if (exception != Traceback::kNone) reading.ends[exception] = i;
  }
  FindSightings(&reading);
  FindCutTracebacks(&reading);
  reading.points = FindProgress(read, reading.bodies);
  NameReportsByTheirRank(&reading);
  reading.exits = FindExits(read, reading.bodies);
  NameByTheLineBelow(&reading);
  NameWhoRaised(&reading);
  for (size_t i = 0; i < reading.bodies.size(); ++i) {
    if (!reading.tracebacks.is_inside[i] && SaysFinished(reading.bodies[i].text)) reading.finished.push_back(i);
  }
  return reading;
}

}  // namespace rankscope::diagnose
