#include "diagnose/reading/stacks.h"

#include <re2/re2.h>

#include <algorithm>
#include <optional>

namespace rankscope::diagnose {
namespace {

using Frame = RankStack::Frame;

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

// "main": the thread is the main one, as py-spy names it; of faulthandler's any may be.
enum class Head : uint8_t { kNone, kMain, kOther };

Head HeadOf(std::string_view text) {
  static const re2::RE2 kPySpy(R"x(^Thread (?:0x)?[0-9a-fA-F]+ ?\((?:idle|active)(?:\+gil)?\)(?:: "([^"]*)")?)x");
  static const re2::RE2 kFault(R"x(^(?:Current thread|Thread) 0x[0-9a-fA-F]+.*\(most recent call first\):)x");
  if (!text.starts_with("Thread ") && !text.starts_with("Current thread ")) return Head::kNone;
  std::string name;
  if (re2::RE2::PartialMatch(Piece(text), kPySpy, &name)) {
    return name.empty() || name == "MainThread" ? Head::kMain : Head::kOther;
  }
  return re2::RE2::PartialMatch(Piece(text), kFault) ? Head::kMain : Head::kNone;
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

// The innermost frame, and where the user's code called it.
std::string PlaceOf(const RankStack& stack) {
  std::string place = Named(stack.frames.front());
  auto own = std::find_if(stack.frames.begin(), stack.frames.end(), [](const Frame& f) { return !IsLibrary(f); });
  if (own != stack.frames.begin() && own != stack.frames.end()) place += " from " + Named(*own);
  return place;
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
  return {others, "it stands in " + PlaceOf(odd) + ", " + whom + " in " + PlaceOf(stacks.at(waiting.front())),
          odd.line};
}

}  // namespace

bool IsWhereRanksWait(std::string_view frames) {
  constexpr std::string_view kPlaces[] = {"torch/distributed/", "torch/nn/parallel/",  "torch/autograd/",
                                          "torch/cuda/",        "distributed_c10d.py", "c10d_logger.py"};
  return std::any_of(std::begin(kPlaces), std::end(kPlaces),
                     [&](std::string_view place) { return frames.find(place) != std::string_view::npos; });
}

std::map<int32_t, RankStack> FindStacks(const Reading& reading) {
  Stacks stacks;
  std::map<int32_t, Head> open;  // the thread that a rank's frames belong to
  for (size_t i = 0; i < reading.bodies.size(); ++i) {
    if (!reading.ranks[i]) continue;
    std::string_view text = reading.bodies[i].text;
    const int32_t rank = *reading.ranks[i];
    if (Head head = HeadOf(text); head != Head::kNone) {
      open[rank] = head;
      if (head == Head::kMain) stacks[rank] = {};
      continue;
    }
    auto thread = open.find(rank);
    if (thread == open.end() || thread->second != Head::kMain) continue;
    auto frame = FrameOf(text);
    if (!frame) {
      thread->second = Head::kNone;
      continue;
    }
    RankStack& stack = stacks[rank];
    if (stack.frames.empty()) stack.line = i;
    stack.frames.push_back(*std::move(frame));
  }
  std::erase_if(stacks, [](const auto& entry) { return entry.second.frames.empty(); });
  return stacks;
}

OddStacks FindOddStacks(const Reading& reading) {
  const Stacks stacks = FindStacks(reading);
  if (stacks.size() < 2) return {};
  OddStacks odd = FindOdd(stacks, &OwnPath);
  if (odd.ranks.empty()) odd = FindOdd(stacks, &WholePath);
  return odd.ranks.empty() ? FindOddByWaiting(stacks) : odd;
}

}  // namespace rankscope::diagnose
