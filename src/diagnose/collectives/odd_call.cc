#include "diagnose/collectives/odd_call.h"

#include <re2/re2.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "diagnose/collectives/gloo_tree.h"
#include "diagnose/reading/stacks.h"
#include "diagnose/suspects/known_ranks.h"
#include "diagnose/suspects/silence.h"

namespace rankscope::diagnose {
namespace {

using Frame = RankStack::Frame;

bool IsLibrary(const Frame& frame) {
  return frame.file.find("-packages/") != std::string::npos || frame.file.find("/usr/lib/") != std::string::npos;
}

// File "/app/train.py", line 70, in main
std::optional<Frame> FrameOf(const std::string& text) {
  static const re2::RE2 kFrame(R"x(^File "([^"]+)", line (\d+), in (.+))x");
  Frame frame;
  if (!re2::RE2::PartialMatch(text, kFrame, &frame.file, &frame.line_number, &frame.function)) return std::nullopt;
  return frame;
}

// Where a rank's collective failed.
struct Place {
  std::vector<Frame> frames;  // outermost first
  Frame own;                  // the innermost of the user's code; where all is a library's, its innermost frame
  std::string call;           // torch's function that issued it; empty: none did, as in the backward pass
};

Place PlaceOf(const std::string& text) {
  Place place;
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
    end = std::min(text.find('\n', begin), text.size());
    auto frame = FrameOf(text.substr(begin, end - begin));
    if (!frame) continue;
    if (frame->file.find("distributed/distributed_c10d.py") != std::string::npos) place.call = frame->function;
    if (!IsLibrary(*frame)) place.own = *frame;
    place.frames.push_back(*std::move(frame));
  }
  if (place.own.file.empty() && !place.frames.empty()) place.own = place.frames.back();
  return place;
}

// File "/app/train.py", line 70, in main (all_reduce)
std::string Named(const Place& place) {
  return "File \"" + place.own.file + "\", line " + std::to_string(place.own.line_number) + ", in " +
         place.own.function + (place.call.empty() ? "" : " (" + place.call + ")");
}

bool IsOfCollective(const Suspect& suspect) {
  if (IsOfLateJoining(suspect)) return false;
  return suspect.failure == "gloo_error" || suspect.failure == "nccl_timeout" || suspect.kind == kSkippedCollective ||
         suspect.role == Role::kCascade;
}

struct Group {
  Place place;
  std::vector<int32_t> ranks;
};

bool AreSame(const Frame& a, const Frame& b) {
  return a.line_number == b.line_number && a.file == b.file && a.function == b.function;
}

// Whether `a` may be `b` whose outer frames are cut off, so that its own code is not to be seen.
bool IsEndOf(const Place& a, const Place& b) {
  return IsLibrary(a.own) && a.frames.size() < b.frames.size() &&
         std::equal(a.frames.rbegin(), a.frames.rend(), b.frames.rbegin(), AreSame);
}

void JoinCutPlaces(std::map<std::string, Group>* groups) {
  std::erase_if(*groups, [&](auto& cut) {
    auto whole = std::find_if(groups->begin(), groups->end(),
                              [&](const auto& other) { return IsEndOf(cut.second.place, other.second.place); });
    if (whole == groups->end()) return false;
    auto& ranks = whole->second.ranks;
    ranks.insert(ranks.end(), cut.second.ranks.begin(), cut.second.ranks.end());
    return true;
  });
}

std::map<std::string, Group> GroupByPlace(const Reading& reading, const std::vector<Suspect>& suspects) {
  std::map<std::string, Group> groups;
  std::set<int32_t> counted;
  for (const Suspect& suspect : suspects) {
    if (!suspect.rank || suspect.traceback == Traceback::kNone || !IsOfCollective(suspect)) continue;
    const std::string& frames = reading.tracebacks.all[suspect.traceback].frames;
    if (FrameOfInterruption(frames) || !counted.insert(*suspect.rank).second) continue;
    Place place = PlaceOf(frames);
    if (place.frames.empty()) continue;
    Group& group = groups[Named(place)];
    group.place = std::move(place);
    group.ranks.push_back(*suspect.rank);
  }
  JoinCutPlaces(&groups);
  return groups;
}

// Where a frame's function stands in the other's; of none, behind all.
size_t PlaceIn(const std::vector<Frame>& frames, const Frame& of) {
  auto is_its = [&](const Frame& frame) { return frame.file == of.file && frame.function == of.function; };
  return std::find_if(frames.begin(), frames.end(), is_its) - frames.begin();
}

// Whether `a` stands below `b` in the function where their ways part. The backward pass comes again with each step, so
// that who waits in it above another's call may as well be in the step before as in the one after.
bool IsFurther(const Place& a, const Place& b) {
  // The first frames of one may be cut off.
  size_t i = PlaceIn(a.frames, b.frames.front()), j = i < a.frames.size() ? 0 : PlaceIn(b.frames, a.frames.front());
  if (i == a.frames.size()) i = 0;
  for (; i < a.frames.size() && j < b.frames.size(); ++i, ++j) {
    const Frame &one = a.frames[i], &other = b.frames[j];
    if (one.file != other.file || one.function != other.function) return false;
    if (one.line_number == other.line_number) continue;
    return one.line_number > other.line_number && !b.call.empty();
  }
  return false;
}

// Who left out what the stuck wait in and others have behind them.
OddCall LeftOut(int32_t rank, const Group& stuck, const Group& ahead) {
  return {{rank},
          {},
          true,
          "it had gone on to " + Named(ahead.place) + " without the " + stuck.place.call + " of " + Named(stuck.place) +
              ", where who sends to it could not"};
}

OddCall EitherOf(std::vector<int32_t> ranks) {
  if (ranks.size() != 2) ranks.clear();
  return {{}, std::move(ranks), true, ""};
}

std::function<bool(const Suspect&)> IsIn(const Group& group) {
  return [&group](const Suspect& suspect) {
    return std::find(group.ranks.begin(), group.ranks.end(), suspect.rank) != group.ranks.end();
  };
}

// Of ranks that are stuck in a call that others have behind them: all there are, else their ways tell nothing.
OddCall OfGap(const Reading& reading, const std::vector<Suspect>& suspects, const Group& stuck, const Group& ahead,
              const std::set<int32_t>& known) {
  if (stuck.ranks.size() + ahead.ranks.size() != known.size()) return {};
  const Way way = stuck.place.call == "broadcast" ? Way::kBroadcast : Way::kReduction;
  auto gaps = FindTreeGaps(way,
                           {{stuck.ranks.begin(), stuck.ranks.end()},
                            WhoSaid(reading, suspects, "for send operation", IsIn(stuck)),
                            WhoSaid(reading, suspects, "for recv operation", IsIn(stuck))},
                           static_cast<int32_t>(known.size()));
  return gaps.size() == 1 ? LeftOut(gaps.front(), stuck, ahead) : EitherOf(std::move(gaps));
}

}  // namespace

bool AreUnnamedAtOtherCalls(const Reading& reading, const std::vector<Suspect>& suspects) {
  std::set<std::string> places;
  bool timed_out = false;
  for (const Suspect& suspect : suspects) {
    if (suspect.rank || suspect.traceback == Traceback::kNone || !IsOfCollective(suspect)) continue;
    const std::string& frames = reading.tracebacks.all[suspect.traceback].frames;
    const Place place = PlaceOf(frames);
    if (place.call.empty() && frames.find("torch/autograd/") == std::string::npos) continue;  // a launcher's
    places.insert(Named(place));
    timed_out = timed_out || suspect.kind == "timeout";
  }
  return timed_out && places.size() > 1;
}

OddCall FindOddCall(const Reading& reading, const std::vector<Suspect>& suspects, const std::set<int32_t>& known) {
  const std::map<std::string, Group> groups = GroupByPlace(reading, suspects);
  if (groups.size() != 2) return {};
  const Group& first = groups.begin()->second;
  const Group& second = groups.rbegin()->second;
  for (const auto& [ahead, stuck] : {std::pair(&first, &second), std::pair(&second, &first)}) {
    if (!IsFurther(ahead->place, stuck->place)) continue;
    if (stuck->place.call == "broadcast") return OfGap(reading, suspects, *stuck, *ahead, known);
    if (stuck->place.call != "reduce") continue;
    if (OddCall odd = OfGap(reading, suspects, *stuck, *ahead, known); !odd.ranks.empty()) return odd;
  }
  const std::string of_others = ", the others' that of ";
  if (first.ranks.size() < second.ranks.size())
    return {
        first.ranks, {}, true, "its collective was that of " + Named(first.place) + of_others + Named(second.place)};
  if (second.ranks.size() < first.ranks.size())
    return {
        second.ranks, {}, true, "its collective was that of " + Named(second.place) + of_others + Named(first.place)};
  for (const auto& [ahead, behind] : {std::pair(&first, &second), std::pair(&second, &first)}) {
    if (!IsFurther(ahead->place, behind->place)) continue;
    return {ahead->ranks,
            {},
            true,
            "it had gone on to " + Named(ahead->place) + " without the collective of " + Named(behind->place)};
  }
  // Ranks reduce at every step; who issues anything else is the likelier to be alone with it.
  std::vector<int32_t> both = {first.ranks.front(), second.ranks.front()};
  if ((first.place.call == "all_reduce") != (second.place.call == "all_reduce")) {
    if (first.place.call == "all_reduce") std::swap(both[0], both[1]);
  } else {
    std::sort(both.begin(), both.end());
  }
  return first.ranks.size() == 1 ? EitherOf(std::move(both)) : EitherOf({});
}

}  // namespace rankscope::diagnose
