#include "diagnose/reading/stacks.h"

#include <re2/re2.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

namespace rankscope::diagnose {
namespace {

using Frame = RankStack::Frame;

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

// kMain: of the main thread, as py-spy names it; kCurrent: of the one in which the process died, or that dumped the
// stacks; kAny: of a thread, the main one if it is the last.
enum class Head : uint8_t { kNone, kMain, kCurrent, kAny, kOther };

Head HeadOf(std::string_view text) {
  static const re2::RE2 kPySpy(R"x(^Thread (?:0x)?[0-9a-fA-F]+ ?\((?:idle|active)(?:\+gil)?\)(?:: "([^"]*)")?)x");
  static const re2::RE2 kFault(R"x(^(Current thread|Thread) 0x[0-9a-fA-F]+.*\(most recent call first\):)x");
  if (!text.starts_with("Thread ") && !text.starts_with("Current thread ")) return Head::kNone;
  std::string name;
  if (re2::RE2::PartialMatch(Piece(text), kPySpy, &name)) {
    return name.empty() || name == "MainThread" ? Head::kMain : Head::kOther;
  }
  if (!re2::RE2::PartialMatch(Piece(text), kFault, &name)) return Head::kNone;
  return name == "Thread" ? Head::kAny : Head::kCurrent;
}

std::optional<Frame> FrameOf(std::string_view text) {
  static const re2::RE2 kFault(R"x(^File "([^"]+)", line (\d+),? in (\S+))x");
  static const re2::RE2 kPySpy(R"x(^(\S+) \(([^():]+):(\d+)\)$)x");
  Frame frame;
  if (re2::RE2::PartialMatch(Piece(text), kFault, &frame.file, &frame.line_number, &frame.function)) return frame;
  if (re2::RE2::PartialMatch(Piece(text), kPySpy, &frame.function, &frame.file, &frame.line_number)) return frame;
  return std::nullopt;
}

// Python's own and what is installed; py-spy shortens paths.
bool IsLibrary(const Frame& frame) {
  constexpr std::string_view kPlaces[] = {"-packages/", "/lib/python", "torch/", "<frozen"};
  constexpr std::string_view kOwnOfPython[] = {"threading.py", "socket.py",     "selectors.py", "queue.py",
                                               "runpy.py",     "connection.py", "subprocess.py"};
  bool placed = std::any_of(std::begin(kPlaces), std::end(kPlaces),
                            [&](std::string_view place) { return frame.file.find(place) != std::string::npos; });
  return placed || std::find(std::begin(kOwnOfPython), std::end(kOwnOfPython), frame.file) != std::end(kOwnOfPython);
}

std::string Named(const Frame& frame) {
  return frame.function + " (" + frame.file.substr(frame.file.rfind('/') + 1) + ":" +
         std::to_string(frame.line_number) + ")";
}

std::string OwnPath(const RankStack& stack) {
  std::string path;
  for (const Frame& frame : stack.frames) {
    if (!IsLibrary(frame)) path += Named(frame) + "\n";
  }
  return path;
}

std::string WholePath(const RankStack& stack) {
  std::string path;
  for (const Frame& frame : stack.frames) path += frame.function + " " + frame.file + "\n";
  return path;
}

using Stacks = std::map<int32_t, RankStack>;

OddStacks FindOdd(const Stacks& stacks, std::string (*path_of)(const RankStack&)) {
  std::map<std::string, std::vector<int32_t>> groups;
  for (const auto& [rank, stack] : stacks) groups[path_of(stack)].push_back(rank);
  auto most = std::max_element(groups.begin(), groups.end(),
                               [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  OddStacks odd;
  if (groups.size() < 2 || most->second.size() * 2 <= stacks.size()) return odd;
  for (const auto& [path, ranks] : groups) {
    if (path != most->first) odd.ranks.insert(odd.ranks.end(), ranks.begin(), ranks.end());
  }
  std::sort(odd.ranks.begin(), odd.ranks.end());
  const RankStack& first = stacks.at(odd.ranks.front());
  odd.line = first.line;
  odd.why = "it stands in " + PlaceOf(first) + ", " + std::to_string(most->second.size()) + " others in " +
            PlaceOf(stacks.at(most->second.front()));
  odd.lines = {first.own_line, stacks.at(most->second.front()).own_line};
  return odd;
}

bool IsWaiting(const RankStack& stack) {
  return std::any_of(stack.frames.begin(), stack.frames.end(),
                     [](const Frame& frame) { return IsWhereRanksWait(frame.file); });
}

// Where no place is that of most, as of two ranks: those that do not wait are what the others wait for.
OddStacks FindOddByWaiting(const Stacks& stacks) {
  std::vector<int32_t> waiting, others;
  for (const auto& [rank, stack] : stacks) (IsWaiting(stack) ? waiting : others).push_back(rank);
  if (others.empty() || others.size() > waiting.size()) return {};
  const RankStack& odd = stacks.at(others.front());
  const std::string whom = waiting.size() == 1 ? "the other waits" : std::to_string(waiting.size()) + " others wait";
  return {others,
          "it stands in " + PlaceOf(odd) + ", " + whom + " in " + PlaceOf(stacks.at(waiting.front())),
          odd.line,
          /*collectives=*/false,
          {odd.own_line, stacks.at(waiting.front()).own_line}};
}

// The dumps of one rank, line by line.
class Dumps {
 public:
  explicit Dumps(std::optional<RankStack>* last) : last_(last) {}

  void Take(size_t line, std::string_view text) {
    if (const Head head = HeadOf(text); head != Head::kNone) return Begin(head);
    auto frame = FrameOf(text);
    if (!frame) {
      open_ = false;
      in_dump_ = in_dump_ && text.empty();
      return;
    }
    if (!open_) return;
    RankStack& stack = **last_;
    if (stack.frames.empty()) stack.line = stack.own_line = line;
    const bool of_libraries = !stack.frames.empty() && stack.own_line == stack.line && IsLibrary(stack.frames.front());
    if (of_libraries && !IsLibrary(*frame)) stack.own_line = line;
    stack.frames.push_back(*std::move(frame));
  }

  bool in_dump() const { return in_dump_; }

 private:
  void Begin(Head head) {
    if (!std::exchange(in_dump_, true)) current_ = false;
    open_ = head == Head::kCurrent || (head != Head::kOther && !current_);
    if (open_) last_->emplace();
    current_ = current_ || head == Head::kCurrent;
  }

  std::optional<RankStack>* last_;
  bool in_dump_ = false;
  bool current_ = false;  // the dump has had the current thread
  bool open_ = false;     // the frames that come are of the thread that counts
};

}  // namespace

std::string PlaceOf(const RankStack& stack) {
  std::string place = Named(stack.frames.front());
  auto own = std::find_if(stack.frames.begin(), stack.frames.end(), [](const Frame& f) { return !IsLibrary(f); });
  if (own != stack.frames.begin() && own != stack.frames.end()) place += " from " + Named(*own);
  return place;
}

bool IsWhereRanksWait(std::string_view frames) {
  constexpr std::string_view kPlaces[] = {"torch/distributed/", "torch/nn/parallel/",  "torch/autograd/",
                                          "torch/cuda/",        "distributed_c10d.py", "c10d_logger.py"};
  return std::any_of(std::begin(kPlaces), std::end(kPlaces),
                     [&](std::string_view place) { return frames.find(place) != std::string_view::npos; });
}

namespace {

// Of each that `whose` names for a line.
Stacks FindStacksOf(const Reading& reading, const std::function<std::optional<int32_t>(size_t line)>& whose) {
  std::map<int32_t, std::optional<RankStack>> found;
  std::map<int32_t, Dumps> dumps;
  for (size_t i = 0; i < reading.bodies.size(); ++i) {
    const std::optional<int32_t> who = whose(i);
    if (who) dumps.try_emplace(*who, &found[*who]).first->second.Take(i, reading.bodies[i].text);
  }
  Stacks stacks;
  for (auto& [rank, stack] : found) {
    if (stack && !stack->frames.empty()) stacks.emplace(rank, *std::move(stack));
  }
  return stacks;
}

// Itself: what calls a model's forward pass or the whole program stands in such files, too.
bool StandsInCollective(const RankStack& stack) {
  const std::string& file = stack.frames.front().file;
  return IsWhereRanksWait(file) && file.find("torch/cuda/") == std::string::npos;
}

OddStacks FindOddOf(const Stacks& stacks) {
  if (stacks.size() < 2) return {};
  OddStacks odd = FindOdd(stacks, &OwnPath);
  if (odd.ranks.empty()) odd = FindOdd(stacks, &WholePath);
  if (odd.ranks.empty()) return FindOddByWaiting(stacks);
  odd.collectives =
      std::all_of(stacks.begin(), stacks.end(), [](const auto& stack) { return StandsInCollective(stack.second); });
  return odd;
}

}  // namespace

std::map<int32_t, RankStack> FindStacks(const Reading& reading) {
  return FindStacksOf(reading, [&](size_t line) { return reading.ranks[line]; });
}

size_t InnermostFrame(const Reading& reading, size_t head) {
  std::optional<RankStack> stack;
  Dumps dump(&stack);
  const auto& lines = reading.read->lines;
  for (size_t i = head; i < lines.size() && lines[i].file == lines[head].file; ++i) {
    if (reading.ranks[i] != reading.ranks[head]) continue;
    dump.Take(i, reading.bodies[i].text);
    if (!dump.in_dump()) break;
  }
  return stack && !stack->frames.empty() ? stack->line : std::min(head + 1, lines.size() - 1);
}

OddStacks FindOddStacks(const Reading& reading) { return FindOddOf(FindStacks(reading)); }

OddStacks FindOddProcesses(const Reading& reading) {
  static const re2::RE2 kProcess(R"(^Process (\d{1,9}): )");
  std::optional<int32_t> process;
  return FindOddOf(FindStacksOf(reading, [&](size_t line) {
    int32_t number = 0;
    if (re2::RE2::PartialMatch(Piece(reading.bodies[line].text), kProcess, &number)) process = number;
    return reading.ranks[line] ? std::nullopt : process;
  }));
}

}  // namespace rankscope::diagnose
