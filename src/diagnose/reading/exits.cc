#include "diagnose/reading/exits.h"

#include <re2/re2.h>

#include <map>

namespace rankscope::diagnose {
namespace {

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

void SetCode(int32_t code, Exit* exit) {
  if (code < 0) {
    exit->signal = -code;
  } else if (code > 128 && code < 160) {
    exit->signal = code - 128;
  } else {
    exit->code = code;
  }
}

std::optional<int32_t> SignalNumber(std::string_view name) {
  static const std::map<std::string_view, int32_t> numbers = {{"SIGHUP", 1},
                                                              {"SIGINT", 2},
                                                              {"SIGILL", 4},
                                                              {"SIGABRT", 6},
                                                              {"SIGBUS", 7},
                                                              {"SIGFPE", 8},
                                                              {"SIGKILL", 9},
                                                              {"SIGSEGV", 11},
                                                              {"SIGPIPE", 13},
                                                              {"SIGTERM", 15},
                                                              {"Killed", 9},
                                                              {"Out Of Memory", 9},
                                                              {"Terminated", 15},
                                                              {"Aborted", 6},
                                                              {"Segmentation fault", 11},
                                                              {"Bus error", 7},
                                                              {"Floating point exception", 8},
                                                              {"Illegal instruction", 4}};
  auto found = numbers.find(name);
  return found == numbers.end() ? std::nullopt : std::optional<int32_t>(found->second);
}

// A line that tells all by itself. Groups are looked up by name.
struct Wording {
  const char* pattern;
};
constexpr Wording kWordings[] = {
    {R"(failed \(exitcode: (?P<code>-?\d+)\) .*\blocal_rank: (?P<local>\d+) \(p)"},
    {R"(srun: error: .*task (?P<rank>\d+): (?P<name>Killed|Out Of Memory|Aborted|Terminated|Segmentation fault|Bus error|Floating point exception|Illegal instruction))"},
    {R"(srun: error: .*task (?P<rank>\d+): Exited with exit code (?P<code>\d+))"},
    // Of several tasks it is not told which ended first.
    {R"(srun: error: \S+: tasks [\d,-]+: (?P<name>Killed|Out Of Memory|Aborted|Terminated|Segmentation fault|Bus error|Floating point exception|Illegal instruction))"},
    {R"(srun: error: \S+: tasks [\d,-]+: Exited with exit code (?P<code>\d+))"},
    {R"(process rank (?P<rank>\d+)(?: with PID \w+)? on node .* exited on signal (?P<signal>\d+))"},
    {R"(Process name: \[(?:\[\d+,\d+\]|[^\]@]+@\d+),(?P<rank>\d+)\])"},
    {R"(\brank (?P<rank>\d+) on (?:host )?\S+ (?:failed and exit-on-error is set|exited and exit-timeout=\S+ has expired))"},
    {R"(MPI_ABORT was invoked on rank (?P<rank>\d+))"},
    {R"(application called MPI_Abort\(.*\) - process (?P<rank>\d+))"},
    {R"(Child process with PID \d+ terminated with code (?P<code>-?\d+))"},
    {R"(MeshFailure\(rank=(?P<rank>\d+))"},
    {R"(^Process name: (?P<rank>\d+)$)"},
    {R"(trainer process with rank=\[(?P<rank>\d+)\] was aborted)"},
    {R"([Pp]rocess (?P<rank>\d+) terminated with (?:the following error|exit code (?P<code>\d+)|signal (?P<name>SIG\w+)))"},
    // Its command is the last that was started, whichever ended: it names a rank only where it is the only one.
    {R"(--local_rank=(?P<local>0)\b.*exits with return code = (?P<code>-?\d+))"},
    {R"(exits with return code = (?P<code>-?\d+))"},
    {R"(RANK (?P<rank>\d+) PID \d+ RUNNING AT(?:.*(?:KILLED BY SIGNAL: (?P<signal>\d+)|EXIT CODE: (?P<code>\d+)))?)"},
    {R"(exit status of rank (?P<rank>\d+): (?:killed by signal (?P<signal>\d+)|return code (?P<code>\d+)))"},
    {R"(\bPE RANK (?P<rank>\d+) exit (?:signal (?P<name>\w+(?: \w+)*)|code (?P<code>\d+)))"},
    {R"(\bShard (?P<rank>\d+) failed to start)"},
    {R"(Worker proc VllmWorker-(?P<rank>\d+) died unexpectedly(?: \(exit code: (?P<code>-?\d+)\))?)"},
    {R"(^Process (?P<rank>\d+) exit with status code (?P<code>\d+)\.)"},
    {R"(Shard process was signaled to shutdown with signal (?P<signal>\d+))"},
    {R"(Container rank (?P<rank>\d+) status failed cmd .* code (?P<code>-?\d+))"},
    {R"(died with <Signals\.(?P<name>SIG\w+))"},
    {R"([Rr]ank (?P<rank>\d+)(?: \((?i:pid) \d+\))? (?:ended|exited|crashed|died|terminated|was killed)\b.*?(?:signal (?P<signal>\d+)|(?P<name>SIG\w+)|(?:exit|code|status)\D{0,8}(?P<code>-?\d+)))"},
};

class WordingReader {
 public:
  WordingReader() {
    for (const Wording& wording : kWordings) regexes_.emplace_back(std::make_unique<re2::RE2>(wording.pattern));
  }

  bool Read(std::string_view text, Exit* exit) const {
    for (const auto& regex : regexes_) {
      if (ReadAs(*regex, text, exit)) return true;
    }
    return false;
  }

 private:
  static bool ReadAs(const re2::RE2& regex, std::string_view text, Exit* exit) {
    re2::StringPiece groups[6];
    int count = regex.NumberOfCapturingGroups() + 1;
    if (!regex.Match(Piece(text), 0, text.size(), re2::RE2::UNANCHORED, groups, count)) return false;
    for (const auto& [name, number] : regex.NamedCapturingGroups()) {
      if (!groups[number].empty()) Set(name, groups[number].as_string(), exit);
    }
    return true;
  }

  static void Set(const std::string& name, const std::string& value, Exit* exit) {
    if (name == "name") {
      exit->signal = SignalNumber(value);
      return;
    }
    int32_t number = std::atoi(value.c_str());
    if (name == "code") SetCode(number, exit);
    if (name == "rank") exit->rank = number;
    if (name == "local") exit->local_rank = number;
    if (name == "signal") exit->signal = number;
  }

  std::vector<std::unique_ptr<re2::RE2>> regexes_;
};

// torchelastic's summary: "rank : 1 (local_rank: 1)", "exitcode : -9 (pid: 12)", lines apart, below "[0]:".
class TableReader {
 public:
  // An exit when its exit code has come.
  std::optional<Exit> Take(size_t line, std::string_view text) {
    static const re2::RE2 kRank(R"(^rank\s+: (\d+) \(local_rank: (\d+)\))"), kCode(R"(^exitcode\s+: (-?\d+))"),
        kTime(R"(^time\s+: (\S+))");
    if (text.find("Root Cause (first observed failure)") != std::string_view::npos) first_ = true;
    if (text.find("Other Failures") != std::string_view::npos || text.starts_with("Failures:")) first_ = false;
    int32_t rank = 0, local = 0, code = 0;
    re2::RE2::PartialMatch(Piece(text), kTime, &time_);
    if (re2::RE2::PartialMatch(Piece(text), kRank, &rank, &local)) {
      open_ = Exit{line, {}, rank, local, {}, {}, time_, first_, line};
    } else if (open_ && re2::RE2::PartialMatch(Piece(text), kCode, &code)) {
      SetCode(code, &*open_);
      open_->code_line = line;
      return std::exchange(open_, std::nullopt);
    }
    return std::nullopt;
  }

 private:
  bool first_ = false;
  std::string time_;
  std::optional<Exit> open_;
};

// Lightning puts the local rank of the child before what it says of its end, text-generation-inference that of the
// shard behind it.
std::optional<int32_t> RankOfChild(const LineBody& body) {
  const bool child = body.text.starts_with("Child process with PID");
  return child || body.text.find("Shard process was signaled") != std::string_view::npos ? body.rank : std::nullopt;
}

// PRRTE breaks its sentence after so many words, and MPICH tells the rank above how it ended.
std::string WholeReport(const std::vector<LineBody>& bodies, size_t line) {
  std::string text(bodies[line].text);
  const bool goes_on = (text.find("noticed that process rank") != std::string::npos && text.ends_with(" exited on")) ||
                       text.find(" RUNNING AT ") != std::string::npos;
  if (goes_on && line + 1 < bodies.size()) text.append(" ").append(bodies[line + 1].text);
  return text;
}

// A launcher, of several that one file may have: the file, and the node where that is told.
using Launcher = std::pair<uint32_t, int32_t>;
Launcher LauncherOf(const Line& line) { return {line.file, line.node_rank.value_or(-1)}; }

// A line that has the local rank only is of the rank that its launcher's table gives to that.
void FillRanks(const Case& read, std::vector<Exit>* exits) {
  std::map<std::pair<Launcher, int32_t>, int32_t> ranks;  // by launcher and local rank
  for (const Exit& exit : *exits) {
    if (exit.rank && exit.local_rank) ranks[{LauncherOf(read.lines[exit.line]), *exit.local_rank}] = *exit.rank;
  }
  for (Exit& exit : *exits) {
    if (exit.rank || !exit.local_rank) continue;
    auto found = ranks.find({LauncherOf(read.lines[exit.line]), *exit.local_rank});
    if (found != ranks.end()) exit.rank = found->second;
  }
}

}  // namespace

std::vector<Exit> FindExits(const Case& read, const std::vector<LineBody>& bodies) {
  static const WordingReader wordings;
  std::vector<Exit> exits;
  std::map<Launcher, TableReader> tables;
  for (size_t i = 0; i < read.lines.size(); ++i) {
    if (auto exit = tables[LauncherOf(read.lines[i])].Take(i, bodies[i].text)) {
      exits.push_back(*exit);
      continue;
    }
    Exit exit;
    exit.line = exit.code_line = i;
    exit.node_rank = read.lines[i].node_rank;
    if (!wordings.Read(WholeReport(bodies, i), &exit)) continue;
    if (!exit.rank && !exit.local_rank) exit.local_rank = RankOfChild(bodies[i]);
    exits.push_back(exit);
  }
  FillRanks(read, &exits);
  return exits;
}

std::optional<int32_t> RankOf(const Exit& exit) {
  if (exit.rank) return exit.rank;
  return exit.node_rank.value_or(0) == 0 ? exit.local_rank : std::nullopt;
}

std::string SignalName(int32_t signal) {
  static const std::map<int32_t, std::string> names = {{1, "SIGHUP"},   {2, "SIGINT"},  {4, "SIGILL"},  {6, "SIGABRT"},
                                                       {7, "SIGBUS"},   {8, "SIGFPE"},  {9, "SIGKILL"}, {11, "SIGSEGV"},
                                                       {13, "SIGPIPE"}, {15, "SIGTERM"}};
  auto found = names.find(signal);
  return found == names.end() ? "signal " + std::to_string(signal) : found->second;
}

}  // namespace rankscope::diagnose
